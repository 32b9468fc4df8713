"""Walk: how a head moves in its picture over a few frames, ending where it belongs."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from training.channel.stage import Pixels


@dataclass(frozen=True, slots=True)
class Walk:
    """Moves of about `step_px` a frame and zooms of about `zoom` a frame, for `frames` frames."""

    frames: int
    step_px: float
    zoom: float = 0.004

    def matrices(self, side: int, rng: np.random.Generator) -> list[NDArray[np.float64]]:
        """Give where each frame shows a picture of `side` px: affine matrices (2, 3).

        Speeds are drawn and smoothed, because heads have mass. The last matrix is the identity,
        so that no resampling of ours touches the frame that the channel gives back.
        """
        speed = rng.normal(0, 1, (self.frames, 3))
        speed[1:] = 0.7 * speed[:-1] + 0.7 * speed[1:]
        way = np.cumsum(speed * (self.step_px, self.step_px, self.zoom), axis=0)
        way -= way[-1]
        middle = (side - 1) / 2
        return [
            np.array(
                [
                    [np.exp(zoom), 0, x + middle * (1 - np.exp(zoom))],
                    [0, np.exp(zoom), y + middle * (1 - np.exp(zoom))],
                ]
            )
            for x, y, zoom in way
        ]


def moved(pixels: Pixels, matrix: NDArray[np.float64]) -> Pixels:
    """Give the picture under the matrix, its edges mirrored into what comes into view."""
    height, width = pixels.shape[:2]
    return np.asarray(
        cv2.warpAffine(pixels, matrix, (width, height), borderMode=cv2.BORDER_REFLECT_101), np.uint8
    )
