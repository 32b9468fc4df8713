"""Donors: which face may lend itself to which, by pose and skin tone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from training.portrait import Portrait

Features = NDArray[np.float32]

NEAREST: Final = 60
"""How many of the nearest faces a donor is drawn from."""
SAMPLED: Final = 1500
"""Faces of which the nearest are sought at each draw: a search through all would cost more than
the forgery."""
SCALE: Final = np.array([0.08, 0.12, 0.12, 12.0, 6.0, 6.0], np.float32)
"""What counts as one step: roll (radians), yaw, pitch (shares), lightness, two colours (Lab)."""


class Donors:
    """Draws a donor for a face: of another group, alike in pose and colour.

    `features` is float32 (N, 6) as `features_of` gives them, `groups` has N names.
    """

    def __init__(self, features: Features, groups: Sequence[str]) -> None:
        self._features = np.asarray(features, np.float32) / SCALE
        _, self._groups = np.unique(np.asarray(groups), return_inverse=True)

    @classmethod
    def of(cls, portraits: Iterable[Portrait], groups: Sequence[str]) -> Donors:
        """Look at every portrait once, about a millisecond each."""
        return cls(np.stack([features_of(portrait) for portrait in portraits]), groups)

    def choose(self, index: int, rng: np.random.Generator) -> int:
        """Give a donor for face `index`; the face itself only where there is no other group."""
        count = len(self._features)
        drawn = rng.integers(count, size=min(count, SAMPLED))
        drawn = drawn[self._groups[drawn] != self._groups[index]]
        if not len(drawn):
            others = np.flatnonzero(self._groups != self._groups[index])
            return int(rng.choice(others)) if len(others) else index
        away = np.square(self._features[drawn] - self._features[index]).sum(axis=1)
        kept = max(1, min(len(drawn), NEAREST * len(drawn) // count))
        near = np.argpartition(away, kept - 1)[:kept]
        return int(drawn[near[rng.integers(kept)]])


def features_of(portrait: Portrait) -> Features:
    """Roll, yaw and pitch from the landmarks, and the inner face's mean Lab: float32 (6,)."""
    left, right, nose, *mouth = portrait.landmarks.astype(np.float64)
    across, middle = right - left, (left + right) / 2
    down = np.mean(mouth, axis=0) - middle
    yaw = (nose - middle) @ across / max(float(across @ across), 1.0)
    pitch = (nose - middle) @ down / max(float(down @ down), 1.0)
    colours = _tone(portrait)
    return np.array([np.arctan2(across[1], across[0]), yaw, pitch, *colours], np.float32)


def _tone(portrait: Portrait) -> NDArray[np.float64]:
    height, width = portrait.pixels.shape[:2]
    low = np.clip(portrait.landmarks.min(axis=0), 0, (width - 2, height - 2)).astype(int)
    high = np.clip(portrait.landmarks.max(axis=0), low + 1, (width, height)).astype(int)
    inner = portrait.pixels[low[1] : high[1] + 1, low[0] : high[0] + 1].astype(np.float32) / 255
    mean = inner.reshape(-1, 3).mean(axis=0)[None, None]
    lab = cv2.cvtColor(np.asarray(mean, np.float32), cv2.COLOR_RGB2LAB)
    return np.asarray(lab[0, 0], np.float64)
