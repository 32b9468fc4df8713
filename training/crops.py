"""From a stored crop to the network's input: one geometry, cut by the run time's own code."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from engines.spec import CropGeometry
from stream.faces.align import crop_faces
from training.manifest import DFDC_CROP_SCALE, DFDC_SHIFT_DOWN, DFDC_TO_LANDMARKS, Face
from training.portrait import Portrait

Pixels = NDArray[np.uint8]
Affine = NDArray[np.float64]

GEOMETRY: Final = CropGeometry(
    size_px=224,
    crop_scale=DFDC_CROP_SCALE,
    shift_down=DFDC_SHIFT_DOWN,
    to_landmarks=DFDC_TO_LANDMARKS,
)
"""Faces are forged and disturbed in the DFDC crops' own geometry; a network of another size is
deployed with the same one at that size."""


def decode(face: Face, geometry: CropGeometry = GEOMETRY) -> Pixels:
    """Give the crop, uint8 RGB (S, S, 3), cut to the geometry.

    Raises: ValueError for bytes that are no picture.
    """
    return _cut(face, geometry)[0]


def portrait(face: Face, geometry: CropGeometry = GEOMETRY) -> Portrait | None:
    """Give the same crop with its landmarks; None for a face without.

    Raises: ValueError for bytes that are no picture.
    """
    if face.landmarks is None:
        return None
    crop, affine, (width, height) = _cut(face, geometry)
    return Portrait(
        crop, _into_crop(face.landmarks * np.array([width, height], np.float32), affine)
    )


def landmarks_in_crop(face: Face, geometry: CropGeometry = GEOMETRY) -> NDArray[np.float32] | None:
    """Give only the landmarks, float32 (5, 2) in the crop's pixels; None for a face without."""
    found = portrait(face, geometry)
    return None if found is None else found.landmarks


def box_in(face: Face, width: int, height: int) -> NDArray[np.float32]:
    """Give the face's box, float32 (4,) as x1, y1, x2, y2, in its stored picture.

    A stored crop of side `s` at `k` times the face stands for a box of side ``s / k``, whose
    centre lies `shift_down` of `s` above its own, and sideways where the landmarks' mean draws it
    back by `to_landmarks`.
    """
    side = min(height, width)
    half = side / face.crop_scale / 2
    across, down = width / 2, height / 2 - face.shift_down * side
    if face.landmarks is not None:
        seen = width * float(face.landmarks[:, 0].mean())
        across += face.to_landmarks / (1 - face.to_landmarks) * (across - seen)
    return np.array([across - half, down - half, across + half, down + half], np.float32)


def landmarks_in(
    face: Face, box: NDArray[np.float32], width: int, height: int
) -> NDArray[np.float32]:
    """Give the landmarks, float32 (5, 2), in the stored picture; where the face has none, five
    times the middle of its box.
    """
    if face.landmarks is None:
        return np.tile((box[:2] + box[2:]) / 2, (5, 1)).astype(np.float32)
    return np.asarray(face.landmarks * np.array([width, height]), np.float32)


def stored(face: Face) -> Pixels:
    """Give the stored picture whole, uint8 RGB (H, W, 3).

    Raises: ValueError for bytes that are no picture.
    """
    return read_picture(face.jpeg, face.name)


def read_picture(encoded: bytes, name: str = "") -> Pixels:
    """Decode a picture file's bytes to uint8 RGB (H, W, 3); `name` is for the message.

    Raises: ValueError for bytes that are no picture.
    """
    data = np.frombuffer(encoded, np.uint8)
    decoded = cv2.imdecode(data, cv2.IMREAD_COLOR) if len(data) else None
    if decoded is None:
        raise ValueError(f"{name or 'the file'} is no picture that can be read")
    return np.asarray(np.ascontiguousarray(decoded[..., ::-1]), np.uint8)


def _cut(face: Face, geometry: CropGeometry) -> tuple[Pixels, Affine, tuple[int, int]]:
    """Give crop, frame_from_crop and the stored picture's width and height."""
    picture = stored(face)
    height, width = picture.shape[:2]
    box = box_in(face, width, height)
    points = landmarks_in(face, box, width, height)
    crops, affines = crop_faces(picture, box[None], points[None], geometry)
    return np.asarray(crops[0], np.uint8), affines[0], (width, height)


def _into_crop(points: NDArray[np.float32], frame_from_crop: Affine) -> NDArray[np.float32]:
    crop_from_frame = cv2.invertAffineTransform(frame_from_crop)
    moved = points.astype(np.float64) @ crop_from_frame[:, :2].T + crop_from_frame[:, 2]
    return moved.astype(np.float32)
