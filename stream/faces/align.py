"""Faces -> square crops, by the one geometry that training, export and run time share."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from engines.spec import CropGeometry

Affine = NDArray[np.float64]


def crop_faces(
    pixels: NDArray[np.uint8],
    boxes_px: NDArray[np.float32],
    landmarks_px: NDArray[np.float32],
    geometry: CropGeometry,
) -> tuple[NDArray[np.uint8], Affine]:
    """Cut one square crop for each face.

    `pixels` is uint8 RGB (H, W, 3); `boxes_px` is (N, 4) as x1, y1, x2, y2; `landmarks_px` is
    (N, 5, 2) with the eyes first, the one on the image's left before the other, and is read
    only with `crop_rotate` and `to_landmarks`. Coordinates are edges, not centres: the frame spans
    0..W and 0..H.

    Gives the crops, uint8 RGB (N, S, S, 3), and `frame_from_crop`, float64 (N, 2, 3), which
    takes a crop's (x, y, 1) with 0 <= x, y <= S to the frame. What lies beyond the frame is its
    reflection. A face larger than the crop is averaged over area, so that no detail aliases.

    Raises: ValueError for a box without area, or coordinates needed that are not finite.
    """
    count, size = len(boxes_px), geometry.size_px
    crops = np.empty((count, size, size, 3), np.uint8)
    affines = np.empty((count, 2, 3), np.float64)
    for index in range(count):
        affines[index] = frame_from_crop(boxes_px[index], landmarks_px[index], geometry)
        crops[index] = _sample(pixels, affines[index], size)
    return crops, affines


def frame_from_crop(
    box_px: NDArray[np.float32], landmarks_px: NDArray[np.float32], geometry: CropGeometry
) -> Affine:
    """Give the affine (2, 3) from crop to frame for one box (4,) and its landmarks (5, 2)."""
    x1, y1, x2, y2 = (float(value) for value in box_px)
    longest = max(x2 - x1, y2 - y1)
    if not (math.isfinite(x1 + y1 + x2 + y2) and x2 > x1 and y2 > y1):
        raise ValueError(f"a face box needs finite coordinates and an area, got {box_px}")
    scale = geometry.crop_scale * longest / geometry.size_px
    angle = 0.0
    if geometry.crop_rotate:
        across, down = (float(value) for value in landmarks_px[1] - landmarks_px[0])
        angle = math.atan2(down, across)
    axis = np.array([math.cos(angle), math.sin(angle)])
    linear = scale * np.column_stack([axis, [-axis[1], axis[0]]])
    centre = np.array([(x1 + x2) / 2, (y1 + y2) / 2])
    if geometry.to_landmarks:
        aside = float((landmarks_px.mean(axis=0) - centre) @ axis)
        if not math.isfinite(aside):
            raise ValueError(f"a face needs finite landmarks, got {landmarks_px.tolist()}")
        centre = centre + geometry.to_landmarks * aside * axis
    # The box's centre lies above the crop's, in the crop's own axes: a shift turns with the face.
    offset = centre - linear @ (geometry.size_px * np.array([0.5, 0.5 - geometry.shift_down]))
    return np.column_stack([linear, offset])


def _sample(pixels: NDArray[np.uint8], affine: Affine, size: int) -> NDArray[np.uint8]:
    """Resample one crop (size, size, 3).

    A bilinear tap sees one frame pixel's width. Where a crop pixel covers more, `taps` x `taps`
    of them are taken inside it, at most one frame pixel apart, and averaged: the exact box
    filter, which works for turned crops and fractions of a pixel too.
    """
    taps = max(1, math.ceil(math.hypot(affine[0, 0], affine[1, 0]) - 1e-6))
    linear = affine[:, :2] / taps
    # OpenCV counts from pixel centres, the affine from edges.
    offset = affine[:, 2] + linear @ np.full(2, 0.5) - 0.5
    fine = cv2.warpAffine(
        pixels,
        np.column_stack([linear, offset]),
        (size * taps, size * taps),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REFLECT_101,
    )
    if taps > 1:
        fine = cv2.resize(fine, (size, size), interpolation=cv2.INTER_AREA)
    return np.asarray(fine, np.uint8)
