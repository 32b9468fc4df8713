"""Face swaps of the classic scripts: a donor's face bent point by point onto the target's.

As FaceForensics++ describes its FaceSwap method (Rössler et al., ICCV 2019): landmarks, a warp,
blending and colour correction, no learning; the LFW swaps are of the kind.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from training.fakes.alignment import moved_onto, warped_onto
from training.fakes.forgery import Forgery, blend
from training.fakes.looks import with_colours_of
from training.fakes.masks import hull_mask, inner_face, whole_face
from training.fakes.shape import fit_shape
from training.portrait import Portrait

Pixels = NDArray[np.uint8]

REDUCED = 8
"""The wide blurs are made at an eighth of the size: nothing finer is left in them anyway."""


def landmark_warp(target: Portrait, donor: Portrait | None, rng: np.random.Generator) -> Forgery:
    """Bend the donor's face onto the target's, with more or less care for colour and seam."""
    assert donor is not None  # the table says that this method needs one
    goal = fit_shape(target.landmarks, rng)
    size = target.pixels.shape[:2]
    if rng.random() < 0.6:
        start = fit_shape(donor.landmarks, rng)
        moved = warped_onto(donor.pixels, start, goal, size)
    else:
        moved = moved_onto(donor, target)
    outline = inner_face if rng.random() < 0.6 else whole_face
    hull = hull_mask(outline(goal), size)
    feather = goal.unit * rng.uniform(0.01, 0.1)
    soft = np.asarray(cv2.GaussianBlur(hull, (0, 0), feather), np.float32)
    soft[soft < 0.004] = 0
    care = rng.random()
    if care < 0.4:
        source: NDArray[np.generic] = _local_colours(moved, target.pixels, goal.unit)
    elif care < 0.75:
        source = with_colours_of(moved, target.pixels, hull)
    else:
        source = moved
    return blend(target.pixels, source, soft)


def _local_colours(source: Pixels, target: Pixels, unit: float) -> NDArray[np.float32]:
    """Scale the source by the ratio of both pictures' wide blurs: their colours agree locally."""
    height, width = target.shape[:2]
    small = (max(1, width // REDUCED), max(1, height // REDUCED))
    blurs = (
        cv2.GaussianBlur(
            cv2.resize(picture, small, interpolation=cv2.INTER_AREA).astype(np.float32),
            (0, 0),
            max(0.5 * unit / REDUCED, 0.3),
        )
        for picture in (target, source)
    )
    wanted, found = (np.asarray(blur, np.float32) for blur in blurs)
    ratio = cv2.resize(np.asarray((wanted + 8) / (found + 8), np.float32), (width, height))
    return np.asarray(np.clip(source * ratio, 0, 255), np.float32)
