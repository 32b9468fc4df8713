"""Scale: how small a camera or a call showed the face, and how it was resampled both ways."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from training.channel.stage import Pixels

SMALLEST_PX: Final = 48
"""Below this a face is not scored (inter-ocular distance under 24 px)."""
SHRINK: Final = (cv2.INTER_AREA, cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_LANCZOS4)
ENLARGE: Final = (cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_LANCZOS4)


@dataclass(frozen=True, slots=True)
class Scale:
    """`share` runs on a logarithmic scale from 0, `SMALLEST_PX`, to 1, the crop's own side.

    Above 1 the camera's software enlarged the face. `shrink` and `enlarge` are OpenCV's names
    of interpolations: not all software blurs before it shrinks, and the aliasing is meant.
    """

    share: float
    shrink: int = cv2.INTER_AREA
    enlarge: int = cv2.INTER_CUBIC

    def side(self, own: int) -> int:
        """Give the side in px at which the channel sees a crop of side `own`."""
        if own <= SMALLEST_PX:
            return own
        ratio: float = (own / SMALLEST_PX) ** self.share
        return round(SMALLEST_PX * ratio)

    def captured(self, pixels: Pixels) -> Pixels:
        """Give the crop as large as the channel sees it."""
        own = pixels.shape[0]
        side = self.side(own)
        return resized(pixels, side, self.shrink if side < own else self.enlarge)

    def restored(self, pixels: Pixels, own: int) -> Pixels:
        """Give the crop back at its own side."""
        return resized(pixels, own, self.enlarge if pixels.shape[0] < own else self.shrink)


def resized(pixels: Pixels, side: int, interpolation: int) -> Pixels:
    """Give `pixels` (S, S, 3) at `side` px; the same array where nothing is to be done."""
    if pixels.shape[0] == side:
        return pixels
    return np.asarray(cv2.resize(pixels, (side, side), interpolation=interpolation), np.uint8)
