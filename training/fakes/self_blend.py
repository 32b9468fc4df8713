"""Self-blended images: a face laid over itself with another look and a shifted outline.

Shiohara & Yamasaki, "Detecting Deepfakes with Self-Blended Images" (CVPR 2022), written from the
paper. Landmarks are 68 points fitted to five instead of detected ones.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from training.fakes.forgery import Forgery, blend
from training.fakes.looks import restyled
from training.fakes.masks import OUTLINES, bent, feathered, hull_mask
from training.fakes.shape import fit_shape
from training.portrait import Portrait

RATIOS: Final = (0.25, 0.5, 0.75, 1.0, 1.0, 1.0)


def self_blend(target: Portrait, donor: Portrait | None, rng: np.random.Generator) -> Forgery:
    """Blend a portrait with itself; `donor` is not looked at."""
    height, width = target.pixels.shape[:2]
    shape = fit_shape(target.landmarks, rng)
    outline = OUTLINES[rng.choice(len(OUTLINES), p=(0.4, 0.2, 0.25, 0.15))]
    mask = bent(hull_mask(outline(shape), (height, width)), shape.unit, rng)
    if rng.random() < 0.5:
        source, ground = restyled(target.pixels, rng), target.pixels
    else:
        source, ground = target.pixels, restyled(target.pixels, rng)
    # Up to 3 % across, 1.5 % down and 5 % in size, of the face.
    shift = 3.0 * shape.unit * rng.uniform(-1, 1, 2) * (0.03, 0.015)
    zoom = rng.uniform(0.95, 1 / 0.95)
    centre = shape.points.mean(axis=0)
    matrix = np.array([[zoom, 0, 0], [0, zoom, 0]], np.float64)
    matrix[:, 2] = (1 - zoom) * centre + shift
    moved = cv2.warpAffine(source, matrix, (width, height), borderMode=cv2.BORDER_REFLECT_101)
    soft = feathered(mask, shape.unit, rng)
    return blend(ground, moved, soft, RATIOS[rng.integers(len(RATIOS))])
