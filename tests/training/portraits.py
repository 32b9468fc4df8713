"""Portraits for tests: drawn heads with their landmarks where a detector would put them."""

from __future__ import annotations

import cv2
import numpy as np

from training.portrait import Portrait

PLACES = np.array([[0.33, 0.38], [0.67, 0.38], [0.5, 0.58], [0.37, 0.76], [0.63, 0.76]])
"""Landmarks as shares of the picture's side, as in a tight crop."""


def drawn_portrait(seed: int, side: int = 128) -> Portrait:
    """A head with eyes and mouth on a textured ground, in random colours."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(20, 120, (8, 8, 3), np.uint8)
    picture = np.asarray(cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC), np.uint8)
    skin = tuple(float(value) for value in rng.integers(110, 210, 3))
    cv2.ellipse(picture, (side // 2, side // 2), (side * 2 // 5, side // 2), 0, 0, 360, skin, -1)
    landmarks = (PLACES * side + rng.normal(0, side / 100, (5, 2))).astype(np.float32)
    for x, y in landmarks:
        cv2.circle(picture, (round(float(x)), round(float(y))), side // 20, (30.0, 20.0, 20.0), -1)
    noisy = picture + rng.normal(0, 4, picture.shape)
    return Portrait(np.clip(noisy, 0, 255).astype(np.uint8), landmarks)
