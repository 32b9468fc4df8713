"""Stage: one step of a channel, a function of the picture and of the channel's own seed."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
"""RGB (H, W, 3)."""


class Stage(Protocol):
    """Drawn once, with all its parameters; what is random within a picture comes from `rng`.

    The number of draws depends on the picture's shape alone, never on what it shows: two
    pictures of one size meet the same noise and the same motion.
    """

    def __call__(self, pixels: Pixels, rng: np.random.Generator) -> Pixels:
        """Give a new picture of the same shape; `pixels` stays as it is."""
        ...
