"""Edits of one part of a face: mouth, eyes or nose, as lip-sync and retouching tools make them."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from training.fakes.alignment import moved_onto
from training.fakes.forgery import Forgery, blend
from training.fakes.looks import restyled, through_bottleneck, with_colours_of
from training.fakes.masks import REGIONS, feathered, hull_mask, region
from training.fakes.shape import fit_shape
from training.portrait import Pixels, Portrait

WEIGHTS: Final = {"mouth": 0.45, "eyes": 0.25, "nose": 0.1, "left eye": 0.1, "right eye": 0.1}


def partial(target: Portrait, donor: Portrait | None, rng: np.random.Generator) -> Forgery:
    """Replace one region by the donor's, or by the target's own with another look."""
    shape = fit_shape(target.landmarks, rng)
    names = list(REGIONS)
    name = names[rng.choice(len(names), p=[WEIGHTS[name] for name in names])]
    points = region(shape, name, rng.uniform(1.15, 1.7))
    hull = hull_mask(points, target.pixels.shape[:2])
    soft = feathered(hull, 0.6 * shape.unit, rng)
    if donor is not None and rng.random() < 0.5:
        source = with_colours_of(moved_onto(donor, target), target.pixels, hull)
    else:
        source = _own(target, shape.unit, rng).astype(np.float32)
    return blend(target.pixels, source, soft)


def _own(target: Portrait, unit: float, rng: np.random.Generator) -> Pixels:
    """The target through a bottleneck or with another look, a little moved and stretched."""
    height, width = target.pixels.shape[:2]
    if rng.random() < 0.6:
        side = int(rng.integers(64, 129) * max(height, width) / 224)
        changed = through_bottleneck(target.pixels, side, rng)
    else:
        changed = restyled(target.pixels, rng)
    centre = target.landmarks.mean(axis=0)
    stretch = rng.uniform(0.94, 1.06, 2)
    matrix = np.column_stack([np.diag(stretch), (1 - stretch) * centre])
    matrix[:, 2] += unit * rng.uniform(-0.05, 0.05, 2)
    moved = cv2.warpAffine(changed, matrix, (width, height), borderMode=cv2.BORDER_REFLECT_101)
    return np.asarray(moved, np.uint8)
