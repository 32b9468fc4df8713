"""The geometry that every training crop passes last: a detector's boxes tremble."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Mask = NDArray[np.float32]

STEADY: Final = 0.4
"""Share of crops that are only mirrored and resized: resampling blurs, and so would all of them."""


@dataclass(frozen=True, slots=True)
class Jitter:
    """One movement of a crop: `zoom` in source per target scale 1, `angle` in radians, `shift`
    (right, down) as a share of the side. A `steady` one is only mirrored and resized.
    """

    mirrored: bool
    steady: bool
    zoom: float
    angle: float
    shift: tuple[float, float]

    @classmethod
    def sample(cls, rng: np.random.Generator, steady: float = STEADY) -> Jitter:
        """Draw up to 8 % in place, 12 % in size, 8 degrees in roll; `steady` is a share."""
        right, down = rng.uniform(-0.08, 0.08, 2)
        return cls(
            bool(rng.random() < 0.5),
            bool(rng.random() < steady),
            float(rng.uniform(0.88, 1.08)),
            float(np.deg2rad(rng.uniform(-8, 8))),
            (float(right), float(down)),
        )

    def apply(self, crop: Pixels, mask: Mask | None, size: int) -> tuple[Pixels, Mask | None]:
        """Move `crop`, uint8 RGB (S, S, 3), and `mask`, float32 (S, S), and resample to `size`."""
        if self.steady:
            return self._resized(crop, mask, size)
        zoom = self.zoom * crop.shape[0] / size
        matrix = self._matrix(crop.shape[0], zoom, size)
        if zoom > 1.25:  # shrinking: blur first, so that nothing aliases
            crop = np.asarray(cv2.GaussianBlur(crop, (0, 0), 0.3 * zoom), np.uint8)
        moved = np.asarray(_warp(crop, matrix, size), np.uint8)
        return moved, None if mask is None else np.asarray(_warp(mask, matrix, size), np.float32)

    def _matrix(self, side: int, zoom: float, size: int) -> NDArray[np.float64]:
        cos, sin = zoom * np.cos(self.angle), zoom * np.sin(self.angle)
        sign = -1.0 if self.mirrored else 1.0
        linear = np.array([[cos * sign, -sin], [sin * sign, cos]])
        centre = side * (0.5 + np.array(self.shift)) - 0.5
        return np.column_stack([linear, centre - linear @ np.full(2, size / 2 - 0.5)])

    def _resized(self, crop: Pixels, mask: Mask | None, size: int) -> tuple[Pixels, Mask | None]:
        step = -1 if self.mirrored else 1
        picture = np.ascontiguousarray(crop[:, ::step])
        resized = cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA)
        if mask is None:
            return np.asarray(resized, np.uint8), None
        turned = np.ascontiguousarray(mask[:, ::step])
        return np.asarray(resized, np.uint8), np.asarray(
            cv2.resize(turned, (size, size), interpolation=cv2.INTER_AREA), np.float32
        )


def _warp(picture: Pixels | Mask, matrix: NDArray[np.float64], size: int) -> NDArray[np.generic]:
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    border = cv2.BORDER_REFLECT_101
    return np.asarray(cv2.warpAffine(picture, matrix, (size, size), flags=flags, borderMode=border))
