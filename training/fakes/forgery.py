"""Forgery: a picture with a changed face, and where it was changed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Mask = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Forgery:
    """`pixels` uint8 RGB (H, W, 3); `mask` float32 (H, W), 0..1: how far each was replaced.

    `base` uint8 RGB (H, W, 3) is the real picture under the mask: where that is 0, `pixels` are
    its own. It is the target's, or that in another look.
    """

    pixels: Pixels
    mask: Mask
    base: Pixels


def blend(target: Pixels, source: NDArray[np.generic], mask: Mask, ratio: float = 1.0) -> Forgery:
    """Lay `source` (H, W, 3), 0-255, over `target` by ``ratio * mask``.

    Where that is 0 the target's own pixels come back bit by bit: a blend that changes nothing
    leaves nothing to find.
    """
    alpha = np.clip(np.float32(ratio) * mask, 0, 1)[..., None]
    mixed = target + alpha * (source.astype(np.float32) - target)
    return Forgery(np.clip(mixed + 0.5, 0, 255).astype(np.uint8), alpha[..., 0], target)
