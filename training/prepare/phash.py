"""Perceptual hashes: 64 bits that pictures share when they look alike, and who is near whom.

The DCT hash of Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions" (2010).
Near pairs are found by bands: two hashes that differ in `k` bits agree in one of ``k + 1`` bands.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from training.crops import Pixels

Hashes = NDArray[np.uint64]

SIDE: Final = 32
KEPT: Final = 8
BITS: Final = KEPT * KEPT
_ONES: Final = np.array([value.bit_count() for value in range(1 << 16)], np.uint8)
CHUNK: Final = 1024
"""Rows of one crowded band that are compared with it at once."""


def phash(crop: Pixels) -> int:
    """Hash a picture, uint8 RGB (H, W, 3): which of its low frequencies exceed their median."""
    grey = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    low = cv2.dct(small)[:KEPT, :KEPT].ravel()
    # Rounding keeps the last bits of the transform, which differ between processors, out.
    bits = np.round(low, 2) > np.round(np.median(low), 2)
    return int.from_bytes(np.packbits(bits).tobytes(), "big")


def distances(left: Hashes, right: Hashes) -> NDArray[np.uint8]:
    """Differing bits, elementwise with broadcasting."""
    words = np.ascontiguousarray(left ^ right)[..., None].view(np.uint16)
    return np.asarray(_ONES[words].sum(axis=-1), np.uint8)


def neighbours(hashes: Sequence[int], near: int) -> list[list[int]]:
    """Give for each of some different hashes the places of all others at most `near` bits away.

    Raises: ValueError when `near` does not lie between 0 and 15.
    """
    if not 0 <= near <= 15:
        raise ValueError(f"near-duplicates differ in 0 to 15 bits, not {near}")
    values = np.array(hashes, np.uint64)
    found: list[set[int]] = [set() for _ in hashes]
    for low, high in _bands(near + 1):
        mask = np.uint64((1 << (high - low)) - 1)
        keys = (values >> np.uint64(low)) & mask
        order = np.argsort(keys, kind="stable")
        starts = np.flatnonzero(np.diff(keys[order])) + 1
        for members in np.split(order, starts):
            _compare(values, members, near, found)
    return [sorted(places) for places in found]


def _bands(count: int) -> list[tuple[int, int]]:
    edges = [round(BITS * index / count) for index in range(count + 1)]
    # A band of all 64 bits would overflow its mask's shift; equal hashes are the caller's.
    return [] if count == 1 else list(pairwise(edges))


def _compare(values: Hashes, members: NDArray[np.intp], near: int, found: list[set[int]]) -> None:
    if len(members) < 2:
        return
    for start in range(0, len(members), CHUNK):
        rows = members[start : start + CHUNK]
        close = distances(values[rows][:, None], values[members][None]) <= near
        for row, column in np.argwhere(close):
            if rows[row] != members[column]:
                found[int(rows[row])].add(int(members[column]))
