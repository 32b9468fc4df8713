"""What a swap network does to a face, without the network: the bottleneck and the paste.

Networks such as those of DFDC's fakes or InSwapper make an aligned face of 64 to 256 px, which is
enlarged, tinted and pasted back through a soft mask: fine detail is lost, colours are off, and the
edge of the mask lies somewhere on the face.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from training.fakes.alignment import MIRROR, moved_onto, similarity
from training.fakes.forgery import Forgery, blend
from training.fakes.looks import through_bottleneck, with_colours_of
from training.fakes.masks import OUTLINES, bent, box_mask, feathered, hull_mask, oval_mask
from training.fakes.shape import Shape, fit_shape
from training.portrait import Portrait

Mask = NDArray[np.float32]
Pixels = NDArray[np.uint8]

SIDES: Final = (48, 64, 64, 80, 96, 128, 128, 160)
"""Sides of the aligned face in px that networks in use work at, and what is left of larger ones."""
HARD: Final = 0.12
"""Share of the pastes with a hard edge, as some of DFDC's have."""
TEMPLATE: Final = np.array(
    [[0.32, 0.38], [0.68, 0.38], [0.5, 0.58], [0.35, 0.76], [0.65, 0.76]], np.float32
)
"""Where the five landmarks lie in the aligned face, as shares of its side."""
ALIGNED_PX: Final = 192
"""Side at which the aligned face is held before and after the bottleneck."""


def swap_network(target: Portrait, donor: Portrait | None, rng: np.random.Generator) -> Forgery:
    """Pass the donor's face (or, half of the time, the target's own) through the bottleneck."""
    shape = fit_shape(target.landmarks, rng)
    size = target.pixels.shape[:2]
    own = donor is None or rng.random() < 0.5
    start = target.pixels if own else moved_onto(donor, target)  # type: ignore[arg-type]
    made = _regenerated(start, target.landmarks, rng)
    mask = _mask(shape, size, rng)
    if own:
        tint = rng.normal(0, 9, 3) + rng.normal(0, 6)
        tinted = np.asarray(made + tint, np.float32)
    else:
        tinted = with_colours_of(made, target.pixels, mask, rng.uniform(0.3, 1.0))
    return blend(target.pixels, np.clip(tinted, 0, 255), mask)


def _regenerated(
    pixels: Pixels, landmarks: NDArray[np.float32], rng: np.random.Generator
) -> Pixels:
    """Align, squeeze, enlarge and move back; slightly off, as landmarks of a fake always are."""
    height, width = pixels.shape[:2]
    there = similarity(landmarks, np.asarray(TEMPLATE * ALIGNED_PX, np.float32))
    face = cv2.warpAffine(pixels, there, (ALIGNED_PX, ALIGNED_PX), borderMode=MIRROR)
    side = SIDES[rng.integers(len(SIDES))]
    made = through_bottleneck(np.asarray(face, np.uint8), side, rng)
    shift = ALIGNED_PX * rng.uniform(-0.015, 0.015, 2)
    there = there * rng.uniform(0.97, 1.03)
    there[:, 2] += shift
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    back = cv2.warpAffine(made, there, (width, height), flags=flags, borderMode=MIRROR)
    return np.asarray(back, np.uint8)


def _mask(shape: Shape, size: tuple[int, int], rng: np.random.Generator) -> Mask:
    kind = rng.choice(3, p=(0.55, 0.25, 0.2))
    if kind == 0:
        outline = OUTLINES[rng.integers(len(OUTLINES))]
        mask = bent(hull_mask(outline(shape), size), shape.unit, rng)
    elif kind == 1:
        mask = oval_mask(shape, size, rng)
    else:
        mask = box_mask(shape, size, rng)
    if rng.random() < HARD:
        return np.asarray(cv2.GaussianBlur(mask, (3, 3), 0), np.float32)
    return feathered(mask, shape.unit, rng)
