"""The faces of the data folder, and balanced batches of them.

A class is drawn half of each batch. Outside DFDC the sources are confounded with the class (web
portraits are all real), so pasted fakes are made from just those: the number of fakes of every
source comes near that of its reals, and the source tells nothing.
"""

from __future__ import annotations

import csv
import hashlib
import tarfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from engines.spec import CropGeometry
from stream.faces.align import crop_faces
from training.augment import channel, jitter
from training.synthesis import paste_through_bottleneck

Pixels = NDArray[np.uint8]

DFDC_CROP_SCALE: Final = 0.85
"""Crop side over the longer side of MTCNN's box in the DFDC crops: `python -m training margin`."""
OTHER_CROP_SCALE: Final = 1.6
"""The same in all other tars, as the data folder's README states it."""
GEOMETRY: Final = CropGeometry(size_px=224, crop_scale=DFDC_CROP_SCALE, crop_rotate=False)
"""The deployed geometry; it goes into the ModelSpec."""
HELD_OUT_SHARE: Final = 20
"""One training group in so many is kept for calibration and never trained on."""


@dataclass(frozen=True, slots=True)
class Face:
    """One encoded crop; `source` is its tar's name without ``-real``, ``-train`` and so on."""

    jpeg: bytes
    fake: bool
    source: str
    group: str
    split: str
    crop_scale: float


@dataclass(frozen=True, slots=True)
class Batch:
    """`pixels` uint8 (N, S, S, 3) RGB, `fake` float32 (N,), `masks` float32 (N, S/16, S/16).

    `masked` (N,) bool says where the mask is known: reals (all zero) and pasted fakes.
    """

    pixels: Pixels
    fake: NDArray[np.float32]
    masks: NDArray[np.float32]
    masked: NDArray[np.bool_]


def load_faces(folder: Path, split: str, tars: Iterable[str] | None = None) -> list[Face]:
    """Read the crops of one split, tar by tar in the manifest's order; `tars` keeps only some.

    Raises: FileNotFoundError when the folder holds no faces.
    """
    wanted = None if tars is None else set(tars)
    rows: dict[str, dict[str, dict[str, str]]] = {}
    with (folder / "faces" / "manifest.csv").open(newline="", encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            if row["split"] == split and (wanted is None or row["tar"] in wanted):
                rows.setdefault(row["tar"], {})[row["file"]] = row
    faces: list[Face] = []
    for tar, members in rows.items():
        faces += _read_tar(folder / "faces" / tar, members)
    return faces


def held_out(group: str) -> bool:
    """Say whether a training group is kept for calibration, by a hash of its name."""
    digest = hashlib.sha256(group.encode()).digest()
    return int.from_bytes(digest[:4], "big") % HELD_OUT_SHARE == 0


def decode(face: Face, geometry: CropGeometry = GEOMETRY) -> Pixels:
    """Give the crop, uint8 RGB (S, S, 3), cut to the geometry by the run time's own code.

    A tar's crop of side `s` at `k` times the face stands for a box of side ``s / k`` round its
    centre.
    """
    decoded = cv2.imdecode(np.frombuffer(face.jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None
    height, width = decoded.shape[:2]
    half = min(height, width) / face.crop_scale / 2
    centre = np.array([width, height, width, height]) / 2
    box = (centre + half * np.array([-1, -1, 1, 1])).astype(np.float32)
    rgb = np.ascontiguousarray(decoded[..., ::-1], np.uint8)
    crops, _ = crop_faces(rgb, box[None], np.zeros((1, 5, 2), np.float32), geometry)
    return np.asarray(crops[0], np.uint8)


class Draws:
    """The endless sequence of training examples, a function of the seed and a position alone.

    Without random state of its own, a run stopped at any position resumes with the same batches.
    """

    def __init__(self, faces: Sequence[Face], seed: int, dfdc_pastes: int = 600) -> None:
        self._faces = faces
        self._seed = seed
        real = [index for index, face in enumerate(faces) if not face.fake]
        fake = [(index, False) for index, face in enumerate(faces) if face.fake]
        pastes = _paste_bases(faces, real, dfdc_pastes)
        self._real = [(index, False) for index in real]
        self._fake = fake + [(index, True) for index in pastes]

    def __len__(self) -> int:
        """Batch positions in one pass over the larger class, counted in examples of both."""
        return 2 * max(len(self._real), len(self._fake))

    def batch(self, position: int, count: int, size: int) -> Batch:
        """Give `count` examples (half of each class) from `position` on, at `size` px."""
        half, cells = count // 2, size // 16
        pixels = np.empty((count, size, size, 3), np.uint8)
        masks = np.zeros((count, cells, cells), np.float32)
        fake = np.repeat(np.array([0, 1], np.float32), half)
        masked = fake == 0
        for row in range(count):
            pool = self._fake if fake[row] else self._real
            place = position // 2 + row % half
            index, pasted = pool[self._shuffled(len(pool), place)]
            rng = np.random.default_rng([self._seed, position, row])
            pixels[row], mask = self._example(index, pasted, size, rng)
            if mask is not None:
                masked[row] = True
                masks[row] = cv2.resize(mask, (cells, cells), interpolation=cv2.INTER_AREA)
        return Batch(pixels, fake, masks, masked)

    def _shuffled(self, length: int, place: int) -> int:
        order = np.random.default_rng([self._seed, length, place // length]).permutation(length)
        return int(order[place % length])

    def _example(
        self, index: int, pasted: bool, size: int, rng: np.random.Generator
    ) -> tuple[Pixels, NDArray[np.float32] | None]:
        crop = decode(self._faces[index])
        mask: NDArray[np.float32] | None = None
        if pasted:
            crop, mask = paste_through_bottleneck(crop, rng)
        return jitter(channel(crop, rng), mask, size, rng)


def _paste_bases(faces: Sequence[Face], real: Sequence[int], dfdc: int) -> list[int]:
    """Choose the reals to paste on: enough for each source's fakes to match its reals."""
    bases: list[int] = []
    for source in sorted({faces[index].source for index in real}):
        own = [index for index in real if faces[index].source == source]
        fakes = sum(face.fake and face.source == source for face in faces)
        wanted = dfdc if source == "dfdc" else max(0, len(own) - fakes)
        bases += [own[k * len(own) // wanted] for k in range(wanted)]
    return bases


def _read_tar(path: Path, members: dict[str, dict[str, str]]) -> list[Face]:
    source = path.stem.rsplit("-", 1)[0]
    scale = DFDC_CROP_SCALE if source == "dfdc" else OTHER_CROP_SCALE
    found: dict[str, Face] = {}
    with tarfile.open(path) as archive:
        for member in archive:
            row = members.get(member.name)
            stream = archive.extractfile(member)
            if row is None or stream is None:
                continue
            fake = row["label"] == "fake"
            face = Face(stream.read(), fake, source, row["group"], row["split"], scale)
            found[member.name] = face
    return [found[name] for name in members if name in found]
