"""Things in front of a face: glasses, hands, microphones, cups."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from training.fakes.masks import bent
from training.fakes.shape import fit_shape
from training.portrait import Pixels, Portrait

FINE = 4
"""cv2 draws at places of 1 / 2**FINE px."""


def glasses(portrait: Portrait, rng: np.random.Generator) -> Pixels:
    """Draw a frame round both eyes, its bridge and temples, at times tinted."""
    picture = portrait.pixels.copy()
    shape = fit_shape(portrait.landmarks)
    colour = tuple(float(v) for v in rng.integers(0, 110, 3))
    width = max(1, round(shape.unit * rng.uniform(0.02, 0.09)))
    eyes = [shape.points[36:42].mean(0), shape.points[42:48].mean(0)]
    across = eyes[1] - eyes[0]
    roll = float(np.degrees(np.arctan2(across[1], across[0])))
    radii = shape.unit * rng.uniform((0.30, 0.2), (0.40, 0.32))
    if rng.random() < 0.35:
        tint = picture.copy()
        for eye in eyes:
            cv2.ellipse(tint, _place(eye), _place(radii), roll, 0, 360, colour, -1, shift=FINE)
        share = rng.uniform(0.2, 0.8)
        picture = np.asarray(cv2.addWeighted(tint, share, picture, 1 - share, 0), np.uint8)
    for eye in eyes:
        cv2.ellipse(
            picture, _place(eye), _place(radii), roll, 0, 360, colour, width, cv2.LINE_AA, FINE
        )
    along = across / max(float(np.hypot(*across)), 1e-3)
    inner = [eyes[0] + along * radii[0], eyes[1] - along * radii[0]]
    outer = [eyes[0] - along * radii[0], eyes[1] + along * radii[0]]
    for start, end in (
        (inner[0], inner[1]),
        (outer[0], shape.points[0]),
        (outer[1], shape.points[16]),
    ):
        cv2.line(picture, _place(start), _place(end), colour, width, cv2.LINE_AA, FINE)
    return picture


def covered(portrait: Portrait, rng: np.random.Generator) -> Pixels:
    """Lay a soft-edged thing over a part of the face, in skin tones or dark."""
    pixels = portrait.pixels
    height, width = pixels.shape[:2]
    shape = fit_shape(portrait.landmarks)
    anchor = shape.points[rng.choice([4, 8, 12, 48, 54, 57, 30, 19, 24])]
    mask = np.zeros((height, width), np.float32)
    size = shape.unit * rng.uniform((0.25, 0.4), (0.6, 1.6))
    reach = shape.unit * np.array([rng.uniform(-0.6, 0.6), rng.uniform(0.2, 1.0)])
    angle = float(rng.uniform(0, 180))
    cv2.ellipse(mask, _place(anchor + reach), _place(size), angle, 0, 360, 1.0, -1, shift=FINE)
    soft = cv2.GaussianBlur(bent(mask, shape.unit, rng), (0, 0), 0.02 * shape.unit + 0.4)
    if rng.random() < 0.5:  # a hand: the face's own skin, turned upside down and smoothed
        thing = cv2.GaussianBlur(pixels[::-1], (0, 0), 0.06 * shape.unit + 0.5).astype(np.float32)
        thing = thing * rng.uniform(0.75, 1.1)
    else:
        thing = np.full(pixels.shape, rng.integers(5, 120, 3), np.float32)
        thing += rng.standard_normal((height, width, 1), np.float32) * 3
    mixed = pixels + soft[..., None] * (thing - pixels)
    return np.asarray(np.clip(mixed + 0.5, 0, 255), np.uint8)


def _place(point: NDArray[np.floating]) -> tuple[int, int]:
    x, y = np.clip(np.asarray(point, np.float64) * 2**FINE, -(2**24), 2**24)
    return round(float(x)), round(float(y))
