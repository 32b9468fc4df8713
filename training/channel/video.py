"""Video: a picture as one frame of a short clip that a real codec has coded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from training.channel.codec import Encoder, from_i420, to_i420, transcode
from training.channel.stage import Pixels
from training.channel.walk import Walk, moved

BLOCK_PX: Final = 16
EncoderFor = Callable[[int], Encoder]
"""Gives the encoder for a picture of so many px: a rate is set by its size."""


@dataclass(frozen=True, slots=True)
class Lost:
    """A row of blocks that never arrived, `row` and `rows` as shares of the picture's height."""

    row: float
    rows: float


@dataclass(frozen=True, slots=True)
class Video:
    """The picture walks through a clip, and the clip's last frame comes back.

    `phase` is where the picture lies in the codec's grid, see `Jpeg`. `lost` rows show what
    the frame before had in their place, as a decoder conceals what it never got.
    """

    encoder_for: EncoderFor
    walk: Walk
    phase: tuple[int, int] = (0, 0)
    lost: Lost | None = None

    def __call__(self, pixels: Pixels, rng: np.random.Generator) -> Pixels:
        """Encode and decode; see `Stage`."""
        height, width = pixels.shape[:2]
        left, top = self.phase
        right, bottom = (width + left) % 2, (height + top) % 2
        laid = np.asarray(
            cv2.copyMakeBorder(pixels, top, bottom, left, right, cv2.BORDER_REFLECT_101), np.uint8
        )
        matrices = self.walk.matrices(laid.shape[1], rng)
        clip = [to_i420(moved(laid, matrix)) for matrix in matrices[:-1]] + [to_i420(laid)]
        encoder = self.encoder_for(laid.shape[0] * laid.shape[1])
        frames = [frame for _, frame in transcode(clip, encoder).frames]
        shown = from_i420(frames[-1])
        if self.lost is not None and len(frames) > 1:
            shown = _concealed(shown, from_i420(frames[-2]), self.lost)
        return shown[top : top + height, left : left + width].copy()


def _concealed(shown: Pixels, before: Pixels, lost: Lost) -> Pixels:
    rows = shown.shape[0] // BLOCK_PX
    start = int(lost.row * rows) * BLOCK_PX
    stop = start + max(1, round(lost.rows * rows)) * BLOCK_PX
    patched = shown.copy()
    patched[start:stop] = before[start:stop]
    return patched
