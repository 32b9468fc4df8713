"""The crops of one tar, byte for byte, with what the manifest did not yet say of them."""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Iterator
from typing import Final

import cv2
import numpy as np

from stream.faces.cascade import Cascade
from stream.faces.quality import assess
from stream.types import FaceDetection
from training.crops import GEOMETRY, decode, read_picture
from training.landmarks import CropFace, find_face
from training.manifest import (
    Face,
    Row,
    crop_scale_of,
    face_of,
    shift_down_of,
    write_landmarks,
)
from training.prepare.item import Archive, Crop, Drop, Unreadable
from training.prepare.phash import phash

INSIDE: Final = 10_000.0
"""A crop was cut from a larger picture: its box is put in the midst of one, so that no edge of the
crop counts as an edge of the camera's picture."""
BELIEVED: Final = (0.6, 1.5)
"""A measured crop scale is believed within this ratio of the source's usual one."""


def harvest_archive(
    item: Archive, cascade: Cascade, drops: list[Drop], step: Callable[[], None]
) -> Iterator[tuple[Crop, bytes]]:
    """Give the crops of one tar in the tar's order; what is left out is added to `drops`.

    `cascade` has `training.landmarks.OPTIONS`; `step` is called for each member. A crop in which
    no face is found is kept, without landmarks.

    Raises: Unreadable; InferenceFailed.
    """
    rows = {row["file"]: row for row in item.rows}
    try:
        with tarfile.open(item.path) as tar:
            for member in tar:
                row = rows.pop(member.name, None)
                stream = tar.extractfile(member)
                if row is None or stream is None:
                    continue
                step()
                name = f"{item.key}/{member.name}"
                encoded = stream.read()
                try:
                    yield _described(row, encoded, cascade), encoded
                except (ValueError, cv2.error) as exc:
                    drops.append(Drop(name, f"unreadable: {exc}"))
    except (OSError, tarfile.TarError) as exc:
        raise Unreadable(f"{item.path}: {exc}") from exc
    drops += [Drop(f"{item.key}/{file}", "not in the tar") for file in rows]


def _described(row: Row, encoded: bytes, cascade: Cascade) -> Crop:
    picture = read_picture(encoded)
    found = find_face(picture, cascade)
    height, width = picture.shape[:2]
    scale, shift = _geometry(row, found, (width, height))
    face = face_of({**row, "crop_scale": str(scale), "shift_down": str(shift)}, encoded)
    cut = decode(face)
    quality = None
    if found is not None:
        size = np.array([width, height], np.float32)
        box = found.box * np.tile(size, 2) + np.float32(INSIDE)
        points = found.landmarks * size + np.float32(INSIDE)
        detection = FaceDetection(box, points, found.confidence)
        frame = (int(2 * INSIDE), int(2 * INSIDE))
        quality = assess(cut, detection, frame, GEOMETRY, corrupt=False).weight
    return _crop(row, face, quality, found, f"{phash(cut):016x}")


def _crop(row: Row, face: Face, quality: float | None, found: CropFace | None, digest: str) -> Crop:
    time = row.get("media_time_s")
    return Crop(
        file=row["file"],
        fake=face.fake,
        source=face.source,
        identities=(f"{face.source}/{face.group}",),
        crop_scale=face.crop_scale,
        phash=digest,
        method=face.method,
        licence=row.get("licence") or "",
        face_px=row.get("face_px") or "",
        shift_down=face.shift_down,
        to_landmarks=face.to_landmarks,
        landmarks=row.get("landmarks") or write_landmarks(found.landmarks if found else None),
        quality=quality,
        media_time_s=float(time) if time else None,
        tar=row["tar"],
        group=face.group,
        split=face.split or None,
    )


def _geometry(row: Row, found: CropFace | None, size: tuple[int, int]) -> tuple[float, float]:
    """Crop scale and shift down: the row's own, else measured, else the source's usual ones.

    They are measured only in crops with room round the face: in a tighter one, what was padded
    moves the box.
    """
    scale, shift = crop_scale_of(row), shift_down_of(row)
    if row.get("crop_scale") or found is None or scale < 1:
        return scale, shift
    x1, y1, x2, y2 = (float(value) for value in found.box * np.tile(np.array(size, np.float32), 2))
    side = min(size)
    measured = side / max(x2 - x1, y2 - y1)
    low, high = BELIEVED
    if not low <= measured / scale <= high:
        return scale, shift
    return measured, (size[1] - y1 - y2) / 2 / side
