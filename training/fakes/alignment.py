"""One face moved onto another: by its landmarks as a whole, or point by point."""

from __future__ import annotations

from functools import cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from training.fakes.mean_face import MODEL
from training.fakes.shape import Shape
from training.portrait import Portrait

Pixels = NDArray[np.uint8]
Points = NDArray[np.float32]
Affine = NDArray[np.float64]

MIRROR: Final = cv2.BORDER_REFLECT_101
SCALES: Final = (1 / 16, 16.0)
"""Beyond, OpenCV would fold the border over millions of times for each pixel, and never end."""


def moved_onto(donor: Portrait, target: Portrait) -> Pixels:
    """Move the donor's picture so that its landmarks lie on the target's (a similarity).

    uint8 RGB, of the target's size; Umeyama, "Least-squares estimation of transformation
    parameters between two point patterns" (1991).
    """
    height, width = target.pixels.shape[:2]
    matrix = similarity(donor.landmarks, target.landmarks)
    moved = cv2.warpAffine(donor.pixels, matrix, (width, height), borderMode=MIRROR)
    return np.asarray(moved, np.uint8)


def similarity(source: Points, target: Points) -> Affine:
    """The least-squares scale, turn and shift from `source` (N, 2) to `target`, as (2, 3).

    The scale stays within `SCALES`: points that fall almost into one would ask for any.
    """
    start, goal = source.astype(np.float64), target.astype(np.float64)
    start_mean, goal_mean = start.mean(0), goal.mean(0)
    first = (start - start_mean) @ (1, 1j)
    second = (goal - goal_mean) @ (1, 1j)
    turn = complex(first.conj() @ second) / max(float((first.conj() @ first).real), 1e-6)
    scale = abs(turn)
    turn = turn / scale * min(max(scale, SCALES[0]), SCALES[1]) if scale else SCALES[0] + 0j
    linear = np.array([[turn.real, -turn.imag], [turn.imag, turn.real]])
    return np.column_stack([linear, goal_mean - linear @ start_mean])


def warped_onto(donor: Pixels, start: Shape, goal: Shape, size: tuple[int, int]) -> Pixels:
    """Move every triangle of the donor's face onto the target's: uint8 RGB (H, W, 3) of `size`.

    Piecewise affine through a map, so that one resampling serves all triangles; outside the face
    the donor's picture is moved by a similarity.
    """
    height, width = size
    inverse = similarity(goal.points, start.points)
    columns, rows = np.meshgrid(
        np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)
    )
    before = np.concatenate([start.points, start.forehead])
    after = np.concatenate([goal.points, goal.forehead])
    label = np.zeros(size, np.uint8)
    triangles = _triangles()
    for number, corners in enumerate(triangles, 1):
        cv2.fillConvexPoly(label, np.rint(after[list(corners)]).astype(np.int32), number)
    backs = [inverse] + [
        cv2.getAffineTransform(after[list(corners)], before[list(corners)]) for corners in triangles
    ]
    each = np.asarray(backs, np.float32)[label]
    across = each[..., 0, 0] * columns + each[..., 0, 1] * rows + each[..., 0, 2]
    down = each[..., 1, 0] * columns + each[..., 1, 1] * rows + each[..., 1, 2]
    moved = cv2.remap(donor, across, down, cv2.INTER_LINEAR, borderMode=MIRROR)
    return np.asarray(moved, np.uint8)


@cache
def _triangles() -> tuple[tuple[int, int, int], ...]:
    """Delaunay's triangles of the mean face seen from the front; fewer than 256."""
    flat = MODEL[:, :2].astype(np.float32)
    low, high = flat.min(0) - 1, flat.max(0) + 1
    plane = cv2.Subdiv2D((float(low[0]), float(low[1]), *(float(v) for v in high - low)))
    for x, y in flat:
        plane.insert((float(x), float(y)))
    found = set()
    for triangle in np.asarray(plane.getTriangleList()).reshape(-1, 3, 2):
        gaps = np.abs(triangle[:, None] - flat[None]).sum(2)
        if gaps.min(1).max() < 1e-4:
            a, b, c = (int(index) for index in gaps.argmin(1))
            found.add((a, b, c))
    return tuple(sorted(found))
