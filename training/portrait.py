"""Portrait: a picture with one face, the form in which fakes and hard negatives are made."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Portrait:
    """`pixels` is uint8 RGB (H, W, 3); `landmarks` float32 (5, 2) in its pixels.

    They are, as seen in the picture: left eye, right eye, nose, left and right mouth corner.
    """

    pixels: Pixels
    landmarks: NDArray[np.float32]
