"""Blended images of two people: a donor's face moved, tinted and laid over the target's.

Li et al., "Face X-ray for More General Face Forgery Detection" (CVPR 2020), written from the paper.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from training.fakes.alignment import moved_onto
from training.fakes.forgery import Forgery, blend
from training.fakes.looks import restyled, with_colours_of
from training.fakes.masks import bent, feathered, hull_mask, inner_face, whole_face
from training.fakes.shape import fit_shape
from training.portrait import Portrait

LEVELS = 3
"""Of the Laplacian pyramid."""


def cross_identity(target: Portrait, donor: Portrait | None, rng: np.random.Generator) -> Forgery:
    """Lay the donor's face over the target's."""
    assert donor is not None  # the table says that this method needs one
    shape = fit_shape(target.landmarks, rng)
    outline = whole_face if rng.random() < 0.7 else inner_face
    hull = bent(hull_mask(outline(shape), target.pixels.shape[:2]), shape.unit, rng)
    moved = moved_onto(donor, target)
    if rng.random() < 0.3:
        moved = restyled(moved, rng)
    tinted = with_colours_of(moved, target.pixels, hull, rng.uniform(0.5, 1.0))
    soft = feathered(hull, shape.unit, rng)
    if rng.random() < 0.3:
        tinted = _pyramid(target.pixels, tinted, soft)
    return blend(target.pixels, tinted, soft, 1.0 if rng.random() < 0.8 else rng.uniform(0.6, 1))


def _pyramid(
    target: NDArray[np.uint8], source: NDArray[np.float32], mask: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Burt & Adelson's multiresolution spline (1983): each band is blended over its own width."""
    first, second = target.astype(np.float32), source
    weights = np.repeat(mask[..., None], 3, axis=2)
    bands = []
    for _ in range(LEVELS):
        lower = [
            np.asarray(cv2.pyrDown(picture), np.float32) for picture in (first, second, weights)
        ]
        size = (first.shape[1], first.shape[0])
        details = [
            picture - cv2.pyrUp(low, dstsize=size)
            for picture, low in zip((first, second), lower, strict=False)
        ]
        bands.append(details[0] + weights * (details[1] - details[0]))
        first, second, weights = lower
    mixed = first + weights * (second - first)
    for band in reversed(bands):
        grown = cv2.pyrUp(mixed, dstsize=(band.shape[1], band.shape[0]))
        mixed = np.asarray(grown, np.float32) + band
    return np.asarray(np.clip(mixed, 0, 255), np.float32)
