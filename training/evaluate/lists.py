"""Lists of faces by name, and which half of ``val`` each of them opens.

A name is a source of the manifest, ``val`` for all its sources, ``blends`` for fakes forged from
all its reals, or ``pictures`` for a folder with ``real/`` and ``fake/``. Alone it stands for the
*report* half, with ``-calib`` for the *calib* half, and with ``-all`` for both splits whole:
every face of a source that a leave-one-out training never saw.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

import numpy as np

from engines.spec import CropGeometry
from training.crops import GEOMETRY
from training.evaluate.examples import Examples, examples_of
from training.evaluate.forged import Forged, forge_each
from training.evaluate.looks import with_landmarks
from training.evaluate.pictures import as_png, is_picture_folder, load_pictures
from training.manifest import Face, faces_folder, load_faces, part, read_rows, source_of
from training.metrics import Floats

Half = Literal["calib", "report", "val", "all"]

WHOLE: Final = "val"
BLENDS: Final = "blends"
PICTURES: Final = "pictures"
EACH: Final = "each"
"""Stands for every source of the manifest, list by list."""
AS_STORED: Final = "dfdc"
"""The one source whose two classes share their codec; all others are re-encoded alike first."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which faces: `kind` is a source, ``val``, ``blends`` or ``pictures``."""

    kind: str
    half: Half

    @classmethod
    def parse(cls, name: str) -> Selection:
        """Take a list's name apart."""
        for half in ("calib", "val", "all"):
            if name.endswith(f"-{half}"):
                return cls(name.removesuffix(f"-{half}"), half)
        return cls(name, "all" if name == PICTURES else "report")

    @property
    def name(self) -> str:
        """The name that `parse` reads."""
        whole = self.half == "report" or self.kind == PICTURES
        return self.kind if whole else f"{self.kind}-{self.half}"


def list_names(data: Path, wanted: Iterable[str]) -> list[str]:
    """Resolve ``each`` and check the names against the manifest.

    Raises: FileNotFoundError without faces; ValueError for a list that there is not.
    """
    if is_picture_folder(data):
        return [PICTURES]
    sources = sorted({source_of(row) for row in read_rows(faces_folder(data))})
    names: list[str] = []
    for name in wanted:
        if Selection.parse(name).kind not in (*sources, WHOLE, BLENDS, EACH):
            known = ", ".join((*sources, WHOLE, BLENDS, EACH))
            raise ValueError(f"there is no list {name}: {known}; all with -calib, -val, -all, too")
        half = Selection.parse(name).half
        each = Selection.parse(name).kind == EACH
        names += [Selection(source, half).name for source in sources] if each else [name]
    return list(dict.fromkeys(names))


@dataclass(frozen=True, slots=True)
class Listed:
    """A list's faces with their landmarks, before any crop is cut; reals alone for ``blends``."""

    selection: Selection
    faces: list[Face]
    confidence: Floats

    def stored(self, geometry: CropGeometry) -> Examples:
        """Give the examples as stored; ``blends`` are made here.

        Raises: ValueError for a list without a face.
        """
        if self.selection.kind == BLENDS:
            return _blends(self, geometry)
        name, half = self.selection.name, self.selection.half
        return examples_of(self.faces, self.confidence, name, half, geometry)

    def forged(self, geometry: CropGeometry, limit: int) -> tuple[Forged, ...]:
        """Forge fakes of at most so many of the list's reals."""
        reals = [face for face in self.faces if not face.fake]
        return tuple(forge_each(_some(reals, limit), geometry))


def read_list(
    name: str, data: Path, geometry: CropGeometry = GEOMETRY, limit: int | None = None
) -> Listed:
    """Read one list of the data folder `data`, or of any folder with a manifest or pictures.

    Of more than `limit` faces so many are drawn, always the same.

    Raises: OSError; ValueError; EngineError.
    """
    selection = Selection.parse(name)
    pictures = selection.kind == PICTURES
    faces = load_pictures(data, geometry) if pictures else selected(data, selection)
    return Listed(selection, *with_landmarks(_some(faces, limit)))


def load_examples(
    name: str,
    data: Path,
    geometry: CropGeometry = GEOMETRY,
    limit: int | None = None,
    shared: bool | None = None,
) -> Examples:
    """Read a list and cut its crops; `shared` re-encodes them (see `shared_by_default`).

    Raises: OSError; ValueError for a list without a face; EngineError.
    """
    listed = read_list(name, data, geometry, limit)
    stored = listed.stored(geometry)
    wanted = shared_by_default(listed.selection) if shared is None else shared
    return stored.reencoded() if wanted else stored


def shared_by_default(selection: Selection) -> bool:
    """Whether a list's classes differ in their codec, so that both are re-encoded first."""
    return selection.kind != AS_STORED


def selected(data: Path, selection: Selection) -> list[Face]:
    """The faces of a list in the manifest's order, reals alone for ``blends``.

    Raises: OSError; ValueError.
    """
    source = None if selection.kind in (WHOLE, BLENDS) else selection.kind
    rows = read_rows(faces_folder(data))
    tars = {row["tar"] for row in rows if source in (None, source_of(row))}
    faces = load_faces(data, "val", tars)
    if selection.half == "all":
        faces = load_faces(data, "train", tars) + faces
    elif selection.half != "val":
        faces = [face for face in faces if part(face.group) == selection.half]
    if selection.kind == BLENDS:
        faces = [face for face in faces if not face.fake]
    return [face for face in faces if source in (None, face.source)]


def training_faces(data: Path, sources: Iterable[str], limit: int) -> list[Face]:
    """At most `limit` faces of the training split, of these sources, for a control to learn from.

    Raises: OSError; ValueError.
    """
    wanted = set(sources)
    tars = {row["tar"] for row in read_rows(faces_folder(data)) if source_of(row) in wanted}
    faces = [face for face in load_faces(data, "train", tars) if face.source in wanted]
    return _some(faces, limit)


def _some(faces: list[Face], limit: int | None) -> list[Face]:
    if limit is None or len(faces) <= limit:
        return faces
    drawn = np.random.default_rng(0).choice(len(faces), limit, replace=False)
    return [faces[index] for index in np.sort(drawn)]


def _blends(listed: Listed, geometry: CropGeometry) -> Examples:
    """The reals that have landmarks, and one forgery of each; both classes' files are PNGs."""
    forged = forge_each(listed.faces, geometry)
    if not forged:
        raise ValueError("blends need real faces of two groups at least, with landmarks")
    reals = [listed.faces[one.index] for one in forged]
    twins = [
        replace(face, fake=True, method=one.method) for face, one in zip(reals, forged, strict=True)
    ]
    confidence = np.tile(listed.confidence[[one.index for one in forged]], 2)
    name, half = listed.selection.name, listed.selection.half
    made = examples_of(reals + twins, confidence, name, half, geometry)
    made.crops[:] = [one.forgery.base for one in forged] + [one.forgery.pixels for one in forged]
    return replace(made, files=tuple(as_png(crop) for crop in made.crops))
