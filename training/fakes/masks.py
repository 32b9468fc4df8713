"""Masks over a face: hulls and regions of its shape, bent, and with soft edges."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from training.fakes.shape import Shape

Mask = NDArray[np.float32]
Points = NDArray[np.float32]

REGIONS: Final[Mapping[str, tuple[int, ...]]] = {
    "mouth": tuple(range(48, 60)),
    "left eye": (*range(17, 22), *range(36, 42)),
    "right eye": (*range(22, 27), *range(42, 48)),
    "eyes": (*range(17, 27), *range(36, 48)),
    "nose": tuple(range(27, 36)),
}
"""Points of iBUG's 68 whose hull holds a part of the face."""
BEND: Final = 0.06
"""Elastic displacement of a mask's outline in distances of the pupils (one standard deviation)."""


def whole_face(shape: Shape) -> Points:
    """The hull of all 68 points: jaw and brows."""
    return shape.points


def with_forehead(shape: Shape) -> Points:
    """The hull of the points and the forehead."""
    return np.concatenate([shape.points, shape.forehead])


def inner_face(shape: Shape) -> Points:
    """The hull of brows, eyes, nose and mouth, as first face-swap scripts cut it."""
    return shape.points[17:]


def cheeks_and_chin(shape: Shape) -> Points:
    """The hull from the eyes down: the jaw without its ends, nose and mouth."""
    return np.concatenate([shape.points[2:15], shape.points[27:]])


OUTLINES: Final = (whole_face, with_forehead, inner_face, cheeks_and_chin)


def region(shape: Shape, name: str, grow: float) -> Points:
    """The points of a region, moved away from its middle by the factor `grow`."""
    points = shape.points[list(REGIONS[name])]
    middle = points.mean(axis=0)
    return np.asarray(middle + grow * (points - middle), np.float32)


def hull_mask(points: Points, size: tuple[int, int]) -> Mask:
    """Fill the hull of `points` px in a picture of `size` (H, W): float32, 0 or 1."""
    mask = np.zeros(size, np.float32)
    hull = cv2.convexHull(points.astype(np.float32))
    cv2.fillConvexPoly(mask, np.rint(hull).astype(np.int32), 1.0)
    return mask


def oval_mask(shape: Shape, size: tuple[int, int], rng: np.random.Generator) -> Mask:
    """An oval over the inner face, its size and place a little random."""
    x1, y1 = shape.points[17:].min(axis=0)
    x2, y2 = np.maximum(shape.points[17:].max(axis=0), shape.points[8])
    middle = np.array([(x1 + x2) / 2, (y1 + y2) / 2]) + shape.unit * rng.uniform(-0.1, 0.1, 2)
    axes = np.array([x2 - x1, y2 - y1]) * rng.uniform(0.85, 1.25)
    mask = np.zeros(size, np.float32)
    angle = float(rng.uniform(-10, 10))
    cv2.ellipse(mask, (tuple(middle.tolist()), tuple(axes.tolist()), angle), 1.0, -1)
    return mask


def box_mask(shape: Shape, size: tuple[int, int], rng: np.random.Generator) -> Mask:
    """An upright box over the inner face, as aligned crops are pasted back."""
    grow = shape.unit * rng.uniform(0.0, 0.2)
    x1, y1 = np.rint(shape.points[17:].min(axis=0) - grow).astype(int)
    x2, y2 = np.rint(shape.points[17:].max(axis=0) + grow).astype(int)
    mask = np.zeros(size, np.float32)
    mask[max(0, y1) : max(0, y2), max(0, x1) : max(0, x2)] = 1.0
    return mask


def bent(mask: Mask, unit: float, rng: np.random.Generator) -> Mask:
    """Displace a mask by a smooth random field (elastic deformation, Simard et al. 2003)."""
    height, width = mask.shape
    coarse = rng.normal(0, BEND * unit, (2, 5, 5)).astype(np.float32)
    across, down = (cv2.resize(part, (width, height), interpolation=cv2.INTER_CUBIC)
                    for part in coarse)  # fmt: skip
    columns, rows = np.meshgrid(
        np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)
    )
    moved = cv2.remap(mask, columns + across, rows + down, cv2.INTER_LINEAR)
    return np.asarray(moved, np.float32)


def feathered(mask: Mask, unit: float, rng: np.random.Generator) -> Mask:
    """Soften a mask inwards, as SBI does: blur, drop what leaked outside, stretch, blur again."""
    first, second = unit * np.exp(rng.uniform(np.log(0.02), np.log(0.22), 2))
    inner = np.asarray(cv2.GaussianBlur(mask, (0, 0), first), np.float32)
    if rng.random() < 0.5:
        inner = np.clip(2 * inner - 1, 0, 1)
    soft = np.asarray(cv2.GaussianBlur(inner, (0, 0), second), np.float32)
    most = float(soft.max())
    soft = soft / most if most > 0 else soft
    # Blurs have long tails: what is below one grey level of a full change would be no change.
    return np.asarray(np.where(soft < 0.004, 0, soft), np.float32)
