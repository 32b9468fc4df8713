"""What cameras and call programs do to the whole picture or to its skin."""

from __future__ import annotations

import cv2
import numpy as np

from training.channel.camera import sharpened
from training.fakes.masks import hull_mask, with_forehead
from training.fakes.shape import fit_shape
from training.portrait import Pixels, Portrait


def beautified(portrait: Portrait, rng: np.random.Generator) -> Pixels:
    """Smooth the skin and keep its edges, in the face or everywhere, and lighten it a little."""
    pixels = portrait.pixels
    smooth = cv2.bilateralFilter(pixels, 7, rng.uniform(20, 60), 4).astype(np.float32)
    smooth = smooth * rng.uniform(1.0, 1.08) + rng.uniform(0, 6)
    strength = rng.uniform(0.3, 0.9)
    if rng.random() < 0.6:
        shape = fit_shape(portrait.landmarks)
        mask = hull_mask(with_forehead(shape), pixels.shape[:2])
        for points in (shape.points[36:42], shape.points[42:48], shape.points[48:60]):
            mask *= 1 - hull_mask(points, pixels.shape[:2])
        mask = np.asarray(cv2.GaussianBlur(mask, (0, 0), 0.12 * shape.unit), np.float32)
    else:
        mask = np.ones(pixels.shape[:2], np.float32)
    mixed = pixels + strength * mask[..., None] * (smooth - pixels)
    return np.asarray(np.clip(mixed + 0.5, 0, 255), np.uint8)


def oversharpened(portrait: Portrait, rng: np.random.Generator) -> Pixels:
    """Sharpen as cheap webcams do, with visible halos."""
    return sharpened(portrait.pixels, float(rng.uniform(0.8, 2.5)))


def denoised(portrait: Portrait, rng: np.random.Generator) -> Pixels:
    """Smear fine detail as a camera's noise reduction does."""
    if rng.random() < 0.5:
        return np.asarray(cv2.medianBlur(portrait.pixels, 5 if rng.random() < 0.3 else 3), np.uint8)
    smooth = cv2.bilateralFilter(portrait.pixels, 5, rng.uniform(15, 50), 3)
    return np.asarray(smooth, np.uint8)


def night(portrait: Portrait, rng: np.random.Generator) -> Pixels:
    """Darken to little light, add shot and read noise, and gain it up again."""
    light = rng.uniform(0.08, 0.4)
    electrons = portrait.pixels.astype(np.float32) * light
    spread = np.sqrt(electrons * rng.uniform(0.05, 0.3) + rng.uniform(0.1, 0.8))
    noise = rng.standard_normal(electrons.shape, np.float32) * spread
    gained = (electrons + noise) * rng.uniform(0.6, 1.0) / light
    return np.asarray(np.clip(gained + 0.5, 0, 255), np.uint8)
