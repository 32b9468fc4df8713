"""Twins: a fake and the very frame that it was made from, and where the two differ.

Most DFDC fakes lie beside a crop of the same frame of their real video. The difference says where
the face was changed, for the heat map's supervision, and shows the fakes whose crop holds a face
that was never touched.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Mask = NDArray[np.float32]

SMOOTH: Final = 3 / 224
"""Blur of the difference as a share of the side: coding noise averages out, a swap does not."""
STILL: Final = 5.0
"""A fifth of a twin's picture differs less than this (0-255); two thirds of the DFDC pairs pass."""
UNTOUCHED: Final = (6.0, 0.06)
"""Below offset + share of the mean brightness, the strongest 2 % of the difference are coding
noise; judged by eye on 20 of 1,500 pairs, 3 % of which lie below."""
RAMP: Final = (5.0, 15.0)
"""Differences between which the mask rises from 0 to 1."""


def difference(real: Pixels, fake: Pixels) -> Mask | None:
    """Give the smoothed difference (S, S) on the 0-255 scale, or None where they are no twins.

    Both are uint8 RGB (S, S, 3). Twins show the same frame cut at the same place: a good part of
    the two pictures is then equal but for coding.
    """
    if real.shape != fake.shape:
        return None
    strongest = np.abs(real.astype(np.float32) - fake).max(axis=2)
    smooth = cv2.GaussianBlur(strongest, (0, 0), SMOOTH * real.shape[0])
    return np.asarray(smooth, np.float32) if np.percentile(smooth, 20) < STILL else None


def untouched(difference: Mask, real: Pixels) -> bool:
    """Say whether a twin's difference is no more than coding noise."""
    offset, share = UNTOUCHED
    return bool(np.percentile(difference, 98) < offset + share * float(real.mean()))


def changed_mask(difference: Mask) -> Mask:
    """Give where the fake was changed, float32 (S, S) in 0..1, its small holes closed."""
    low, high = RAMP
    mask = np.clip((difference - low) / (high - low), 0, 1)
    side = difference.shape[0]
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side // 14 | 1, side // 14 | 1))
    closed = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, kernel)
    return np.asarray(cv2.GaussianBlur(closed, (0, 0), side / 60), np.float32)
