"""The manifest of face crops: tar files of pictures, and one CSV row for each of them.

The data folder's plain form has the columns ``tar, file, label, method, group, split, face_px,
licence``. ``python -m training prepare`` writes the same with more of them, all optional here:
``source``, ``crop_scale``, ``shift_down``, ``to_landmarks``, ``landmarks`` (ten numbers),
``quality``.
"""

from __future__ import annotations

import csv
import hashlib
import math
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

Row = Mapping[str, str]
Landmarks = NDArray[np.float32]

DFDC_CROP_SCALE: Final = 0.85
"""Crop side over the longer side of MTCNN's box in the DFDC crops: `python -m training margin`."""
DFDC_SHIFT_DOWN: Final = 0.076
"""How far their centre lies below that of MTCNN's box, as a share of the crop's side; likewise
(median of 19,891)."""
DFDC_TO_LANDMARKS: Final = 0.8
"""How far their centre has gone, from MTCNN's box to the middle of its landmarks, sideways: where
the heads are turned, the landmarks' mean lies 0.2 of the box from its centre and 0.04 of the crop
from its own; likewise."""
CROPS: Final[Mapping[str, tuple[float, float, float]]] = {
    "dfdc": (DFDC_CROP_SCALE, DFDC_SHIFT_DOWN, DFDC_TO_LANDMARKS),
    "ciplab": (1.3, -0.064, 0.0),
    "stylegan2": (1.3, -0.021, 0.0),
    "portraits": (1.52, 0.0, 0.0),
    "lfw": (1.59, 0.0, 0.0),
}
"""Crop scale, shift down and share of the way to the landmarks by source, for rows that do not
state their own: medians of MTCNN's boxes over the training crops (`training.landmarks`), the side
of a picture being its shorter one. The data folder's README states 1.6 for all but DFDC; its
detector's boxes were others."""
OTHER_CROP: Final = (1.6, 0.0, 0.0)
"""The same for a source that is not named above."""
HELD_OUT_SHARE: Final = 20
"""One training group in so many is kept for calibration and never trained on."""
LANDMARK_DIGITS: Final = 4
"""Decimals of a landmark's share in the file: 0.02 px of a picture of 224."""


@dataclass(frozen=True, slots=True)
class Face:
    """One encoded crop, and what the manifest says of it.

    `source` is the column's, or the tar's name without ``-real``, ``-train`` and so on; `method`
    names how a fake was made. The crop is a square of `crop_scale` times the longer side of the
    face's box, its centre `shift_down` (a share of the crop's side) below the box's, and sideways
    `to_landmarks` of the way from the box's to the mean of the landmarks (`CropGeometry`).
    `landmarks` is float32 (5, 2): x as a share of the picture's width, y of its height, in the
    order of `training.portrait.Portrait`; None where no face was found. `name` is ``tar/file``.
    """

    jpeg: bytes
    fake: bool
    source: str
    group: str
    split: str
    crop_scale: float
    method: str = ""
    landmarks: Landmarks | None = None
    name: str = ""
    shift_down: float = 0.0
    quality: float | None = None
    to_landmarks: float = 0.0


def load_faces(folder: Path, split: str, tars: Iterable[str] | None = None) -> list[Face]:
    """Read the crops of one split, tar by tar in the manifest's order; `tars` keeps only some.

    `folder` holds ``faces/manifest.csv`` and the tars beside it, or these themselves.

    Raises: FileNotFoundError when the folder holds no faces; ValueError for a manifest without
    the columns needed, or with a number that is none.
    """
    folder = faces_folder(folder)
    wanted = None if tars is None else set(tars)
    rows: dict[str, dict[str, Row]] = {}
    for row in read_rows(folder):
        if row["split"] == split and (wanted is None or row["tar"] in wanted):
            rows.setdefault(row["tar"], {})[row["file"]] = row
    faces: list[Face] = []
    for tar, members in rows.items():
        faces += _read_tar(folder / tar, members)
    return faces


def faces_folder(folder: Path) -> Path:
    """Give the place of manifest and tars: ``faces`` in the folder, or the folder itself."""
    inner = folder / "faces"
    return inner if (inner / "manifest.csv").is_file() else folder


def read_rows(folder: Path) -> list[dict[str, str]]:
    """Read the manifest in `folder`.

    Raises: FileNotFoundError when there is none; ValueError when a column is missing.
    """
    path = folder / "manifest.csv"
    with path.open(newline="", encoding="utf-8") as stream:
        reader = csv.DictReader(stream)
        missing = {"tar", "file", "label", "group", "split"} - set(reader.fieldnames or ())
        if missing:
            raise ValueError(f"{path} has no column {', '.join(sorted(missing))}")
        return list(reader)


def held_out(group: str) -> bool:
    """Say whether a training group is kept for calibration, by a hash of its name."""
    return _digest(group) % HELD_OUT_SHARE == 0


def part(group: str) -> Literal["calib", "report"]:
    """Say which half of ``val`` a group belongs to, by a hash of its name.

    *calib* serves early stopping, temperature and thresholds; *report* every published figure.
    """
    return "calib" if _digest(f"part of val: {group}") % 2 == 0 else "report"


def source_of(row: Row) -> str:
    """Give the row's source: its column, or what the tar is named for."""
    return row.get("source") or Path(row["tar"]).stem.rsplit("-", 1)[0]


def crop_scale_of(row: Row) -> float:
    """Give the crop's side over that of the face's box.

    Raises: ValueError for what is no positive number.
    """
    given = row.get("crop_scale")
    if not given:
        return CROPS.get(source_of(row), OTHER_CROP)[0]
    scale = float(given)
    if not (math.isfinite(scale) and scale > 0):
        raise ValueError(f"{row['tar']}/{row['file']}: crop_scale is {given}")
    return scale


def shift_down_of(row: Row) -> float:
    """Give how far the crop's centre lies below that of the face's box, in the crop's sides.

    Raises: ValueError for what is no finite number.
    """
    given = row.get("shift_down")
    if not given:
        return CROPS.get(source_of(row), OTHER_CROP)[1]
    shift = float(given)
    if not math.isfinite(shift):
        raise ValueError(f"{row['tar']}/{row['file']}: shift_down is {given}")
    return shift


def to_landmarks_of(row: Row) -> float:
    """Give how far the crop's centre has gone sideways from the box's to the landmarks' mean.

    Raises: ValueError for what is no share below 1.
    """
    given = row.get("to_landmarks")
    if not given:
        return CROPS.get(source_of(row), OTHER_CROP)[2]
    share = float(given)
    if not 0 <= share < 1:
        raise ValueError(f"{row['tar']}/{row['file']}: to_landmarks is {given}")
    return share


def write_landmarks(landmarks: Landmarks | None) -> str:
    """Give the column's text: ten numbers, x before y; nothing without landmarks."""
    if landmarks is None:
        return ""
    return " ".join(f"{value:.{LANDMARK_DIGITS}f}" for value in landmarks.reshape(-1).tolist())


def read_landmarks(text: str) -> Landmarks | None:
    """Undo `write_landmarks`.

    Raises: ValueError for other than ten numbers.
    """
    if not text:
        return None
    values = np.array([float(word) for word in text.split()], np.float32)
    if values.shape != (10,) or not np.isfinite(values).all():
        raise ValueError(f"landmarks are ten numbers, not {text!r}")
    return values.reshape(5, 2)


def face_of(row: Row, jpeg: bytes) -> Face:
    """Join a row with the bytes of its picture.

    Raises: ValueError for a number that is none.
    """
    return Face(
        jpeg=jpeg,
        fake=row["label"] == "fake",
        source=source_of(row),
        group=row["group"],
        split=row["split"],
        crop_scale=crop_scale_of(row),
        method=row.get("method") or "",
        landmarks=read_landmarks(row.get("landmarks") or ""),
        name=f"{row['tar']}/{row['file']}",
        shift_down=shift_down_of(row),
        quality=float(row["quality"]) if row.get("quality") else None,
        to_landmarks=to_landmarks_of(row),
    )


def _digest(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


def _read_tar(path: Path, members: Mapping[str, Row]) -> list[Face]:
    found: dict[str, Face] = {}
    with tarfile.open(path) as archive:
        for member in archive:
            row = members.get(member.name)
            stream = archive.extractfile(member)
            if row is not None and stream is not None:
                found[member.name] = face_of(row, stream.read())
    return [found[name] for name in members if name in found]
