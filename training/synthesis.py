"""Crude fakes from real crops: an inner face pasted back through a swap network's bottleneck.

The idea of self-blending (Shiohara & Yamasaki, "Detecting Deepfakes with Self-Blended Images",
CVPR 2022), with the resolution bottleneck of face-swap networks in place of their landmarks:
the region is reduced to 64-128 px, enlarged again, shifted in colour, and laid back through a
soft oval mask. The channel (codec, scale, blur) comes afterwards, the same for both classes.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Mask = NDArray[np.float32]


def paste_through_bottleneck(crop: Pixels, rng: np.random.Generator) -> tuple[Pixels, Mask]:
    """Give a fake made from a real crop (S, S, 3) uint8 RGB, and its mask (S, S) in 0..1."""
    size = crop.shape[0]
    mask = soft_oval(size, rng)
    bottleneck = int(rng.integers(64, 129)) * size // 224
    small = cv2.resize(crop, (bottleneck, bottleneck), interpolation=cv2.INTER_AREA)
    swapped = cv2.resize(small, (size, size), interpolation=cv2.INTER_CUBIC).astype(np.float32)
    swapped = _move(swapped, size, rng)
    swapped = swapped * rng.uniform(0.9, 1.1) + rng.uniform(-16, 16, 3).astype(np.float32)
    if rng.random() < 0.4:
        blurred = cv2.GaussianBlur(swapped, (0, 0), 1.5)
        swapped += rng.uniform(0.3, 1.0) * (swapped - blurred)
    alpha = mask[..., None]
    fake = crop * (1 - alpha) + swapped * alpha
    return np.clip(fake + 0.5, 0, 255).astype(np.uint8), mask


def soft_oval(size: int, rng: np.random.Generator) -> Mask:
    """Give an oval over the inner face, its edge soft by a random width, as float32 (S, S)."""
    mask = np.zeros((size, size), np.float32)
    centre = size * (0.5 + rng.uniform(-0.06, 0.06, 2))
    axes = size * rng.uniform((0.28, 0.32), (0.40, 0.50))
    angle = rng.uniform(-15, 15)
    cv2.ellipse(mask, (tuple(centre.tolist()), tuple((2 * axes).tolist()), angle), 1.0, -1)
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), size * rng.uniform(0.01, 0.05)), np.float32)


def _move(pixels: Mask, size: int, rng: np.random.Generator) -> Mask:
    """Shift and stretch by up to 2 %, as a swapped face never lands exactly on the old one."""
    matrix = np.array([[rng.uniform(0.98, 1.02), 0, 0], [0, rng.uniform(0.98, 1.02), 0]])
    matrix[:, 2] = (1 - matrix[[0, 1], [0, 1]]) * size / 2 + rng.uniform(-0.02, 0.02, 2) * size
    moved = cv2.warpAffine(pixels, matrix, (size, size), borderMode=cv2.BORDER_REFLECT_101)
    return np.asarray(moved, np.float32)
