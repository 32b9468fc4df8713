"""Jpeg: a picture coded alone, as a webcam's MJPEG, a photo and a thumbnail are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from training.channel.stage import Pixels

CHROMA: Final = (
    cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420,
    cv2.IMWRITE_JPEG_SAMPLING_FACTOR_422,
    cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
)
"""Colour at half the size, as photos have it; at half the width, as webcams; at full size."""


@dataclass(frozen=True, slots=True)
class Jpeg:
    """JPEG at `quality`, 1 to 100.

    `phase` is where the picture lies in the grid of 16 px blocks: a face is cut from a larger
    picture, and its corner falls anywhere. `chroma` is one of `CHROMA`.
    """

    quality: int
    phase: tuple[int, int] = (0, 0)
    chroma: int = CHROMA[0]

    def __call__(self, pixels: Pixels, rng: np.random.Generator) -> Pixels:
        """Encode and decode; see `Stage`."""
        left, top = self.phase
        # Reflected, because an edge to black would cost the quality of the blocks that it crosses.
        laid = cv2.copyMakeBorder(pixels, top, 0, left, 0, cv2.BORDER_REFLECT_101)
        return _encoded(np.asarray(laid, np.uint8), self.quality, self.chroma)[top:, left:].copy()


def _encoded(pixels: Pixels, quality: int, chroma: int) -> Pixels:
    options = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, chroma]
    done, data = cv2.imencode(".jpg", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), options)
    assert done
    decoded = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert decoded is not None
    return np.asarray(cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB), np.uint8)
