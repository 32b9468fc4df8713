"""What a camera does to a picture before any codec: blur, light, noise, sharpening."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from training.channel.stage import Pixels

REFERENCE_PX = 224
"""Blurs are given in px of a crop of this side, and grow and shrink with it."""


def sharpened(pixels: Pixels, amount: float, sigma: float = 1.5) -> Pixels:
    """Unsharp masking: add `amount` times what a Gaussian of `sigma` px takes away."""
    soft = cv2.GaussianBlur(pixels, (0, 0), sigma)
    return np.asarray(cv2.addWeighted(pixels, 1 + amount, soft, -amount, 0), np.uint8)


@dataclass(frozen=True, slots=True)
class Defocus:
    """A Gaussian of `sigma` px."""

    sigma: float

    def __call__(self, pixels: Pixels, rng: np.random.Generator) -> Pixels:
        """Blur; see `Stage`."""
        sigma = self.sigma * pixels.shape[0] / REFERENCE_PX
        return np.asarray(cv2.GaussianBlur(pixels, (0, 0), max(sigma, 0.1)), np.uint8)


@dataclass(frozen=True, slots=True)
class MotionBlur:
    """A straight stroke of `length` px at `angle` radians, as an exposure of even light leaves."""

    length: float
    angle: float

    def __call__(self, pixels: Pixels, rng: np.random.Generator) -> Pixels:
        """Blur; see `Stage`."""
        length = self.length * pixels.shape[0] / REFERENCE_PX
        reach = int(np.ceil(length / 2)) + 1
        across = np.arange(-reach, reach + 1)
        x, y = np.meshgrid(across, across)
        along = x * np.cos(self.angle) + y * np.sin(self.angle)
        aside = np.abs(y * np.cos(self.angle) - x * np.sin(self.angle))
        stroke = np.clip(length / 2 + 0.5 - np.abs(along), 0, 1) * np.clip(1 - aside, 0, 1)
        kernel = stroke / stroke.sum()
        return np.asarray(cv2.filter2D(pixels, -1, kernel), np.uint8)


@dataclass(frozen=True, slots=True)
class Light:
    """Exposure and colour temperature as `gain` of red, green and blue, `offset`, and `gamma`."""

    gain: tuple[float, float, float]
    offset: float
    gamma: float

    def __call__(self, pixels: Pixels, rng: np.random.Generator) -> Pixels:
        """Apply one table of 256 entries to each colour; see `Stage`."""
        steps = np.arange(256, dtype=np.float64)[:, None] / 255
        table = np.clip(steps**self.gamma * np.array(self.gain) + self.offset, 0, 1)
        return np.asarray(cv2.LUT(pixels, (table * 255 + 0.5).astype(np.uint8)[None]), np.uint8)


@dataclass(frozen=True, slots=True)
class Noise:
    """A sensor's noise: standard deviation `sd` grey levels in the dark, `shot` more in the light.

    Photons arrive as a Poisson process, so variance grows with brightness: at level v it is
    ``sd² + shot² v / 255`` (Foi et al., "Practical Poissonian-Gaussian noise modeling", 2008).
    """

    sd: float
    shot: float = 0.0

    def __call__(self, pixels: Pixels, rng: np.random.Generator) -> Pixels:
        """Add noise, independent for each pixel and colour; see `Stage`."""
        noise = rng.standard_normal(pixels.shape, dtype=np.float32)
        levels = np.arange(256, dtype=np.float32) / 255
        spread = np.sqrt(self.sd**2 + self.shot**2 * levels)
        noise *= spread[pixels] if self.shot else np.float32(self.sd)
        return np.asarray(cv2.add(pixels, noise, dtype=cv2.CV_8U), np.uint8)


@dataclass(frozen=True, slots=True)
class Sharpen:
    """The unsharp mask that webcams apply: `amount` times what a Gaussian of `sigma` px removes."""

    amount: float
    sigma: float

    def __call__(self, pixels: Pixels, rng: np.random.Generator) -> Pixels:
        """Sharpen; see `Stage`."""
        return sharpened(pixels, self.amount, self.sigma)
