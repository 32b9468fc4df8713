"""Small changes of a picture's look: what makes a face differ from its surroundings."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from training.channel.camera import sharpened

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]


def restyled(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Colour, light, and either a loss of resolution or sharpening: SBI's source transform.

    Shiohara & Yamasaki, "Detecting Deepfakes with Self-Blended Images" (CVPR 2022), with the
    parameters of its published settings; at least one of them always acts.
    """
    picture = pixels.astype(np.float32)
    choice = rng.random(4) < (0.4, 0.4, 0.4, 0.8)
    if not choice.any():
        choice[rng.integers(4)] = True
    if choice[0]:
        picture = picture + rng.uniform(-20, 20, 3).astype(np.float32)
    if choice[1]:
        grey = picture.mean(axis=2, keepdims=True)
        picture = grey + rng.uniform(0.7, 1.3) * (picture - grey)
    if choice[2]:
        mean = float(picture.mean())
        picture = mean + rng.uniform(0.85, 1.15) * (picture - mean) + rng.uniform(-25, 25)
    styled = np.clip(picture + 0.5, 0, 255).astype(np.uint8)
    return _resolution(styled, rng) if choice[3] else styled


def through_bottleneck(pixels: Pixels, side: int, rng: np.random.Generator) -> Pixels:
    """Reduce a picture to `side` px and enlarge it again, as a generator of that size would."""
    height, width = pixels.shape[:2]
    small = cv2.resize(pixels, (side, side), interpolation=cv2.INTER_AREA)
    if rng.random() < 0.35:
        small = cv2.GaussianBlur(small, (0, 0), rng.uniform(0.4, 1.2))
    if rng.random() < 0.3:
        small = cv2.bilateralFilter(small, 5, rng.uniform(10, 40), 3)
    if rng.random() < 0.3:
        done, data = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 60])
        assert done
        small = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
    way = (cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_LANCZOS4)[rng.integers(3)]
    large = np.asarray(cv2.resize(small, (width, height), interpolation=way), np.uint8)
    # Restored swaps are sharper than their surroundings: blur alone must not mean a fake.
    return sharpened(large, rng.uniform(0.3, 2.5)) if rng.random() < 0.5 else large


def with_colours_of(
    source: Pixels, target: Pixels, weights: Floats, strength: float = 1.0
) -> Floats:
    """Give `source` the colour statistics of `target`, float32 (H, W, 3), 0-255.

    Reinhard et al., "Color Transfer between Images" (2001): means and spreads of the Lab channels,
    here over `weights` float32 (H, W); `strength` 0 changes nothing.
    """
    total = float(weights.sum())
    if total < 1:
        return source.astype(np.float32)
    share = (weights / total)[..., None]
    lab_source, lab_target = _lab(source), _lab(target)
    mean, mean_wanted = ((lab * share).sum((0, 1)) for lab in (lab_source, lab_target))
    spread, spread_wanted = (
        np.sqrt(((lab - centre) ** 2 * share).sum((0, 1))) + 1
        for lab, centre in ((lab_source, mean), (lab_target, mean_wanted))
    )
    factor = np.clip(spread_wanted / spread, 0.5, 2)
    moved = (lab_source - mean) * (1 + strength * (factor - 1))
    moved += mean + strength * (mean_wanted - mean)
    rgb = cv2.cvtColor(moved.astype(np.float32), cv2.COLOR_LAB2RGB)
    return np.asarray(np.clip(rgb, 0, 1) * 255, np.float32)


def _lab(pixels: Pixels) -> Floats:
    return np.asarray(cv2.cvtColor(pixels.astype(np.float32) / 255, cv2.COLOR_RGB2LAB), np.float32)


def _resolution(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    height, width = pixels.shape[:2]
    if rng.random() < 0.4:
        return sharpened(pixels, rng.uniform(0.3, 1.0))
    factor = rng.uniform(1.5, 4)
    size = (max(16, int(width / factor)), max(16, int(height / factor)))
    way = cv2.INTER_NEAREST if rng.random() < 0.3 else cv2.INTER_AREA
    small = cv2.resize(pixels, size, interpolation=way)
    large = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(large, np.uint8)
