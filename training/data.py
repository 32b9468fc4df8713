"""The faces of the data folder, and balanced batches of them.

A class is drawn half of each batch. Outside DFDC the sources are confounded with the class (web
portraits are all real), so pasted fakes are made from just those: the number of fakes of every
source comes near that of its reals, and the source tells nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from training.augment import channel, jitter
from training.crops import GEOMETRY, decode
from training.manifest import DFDC_CROP_SCALE, Face, held_out, load_faces
from training.synthesis import paste_through_bottleneck

Pixels = NDArray[np.uint8]

__all__ = [
    "DFDC_CROP_SCALE", "GEOMETRY", "Batch", "Draws", "Face", "decode", "held_out", "load_faces",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Batch:
    """`pixels` uint8 (N, S, S, 3) RGB, `fake` float32 (N,), `masks` float32 (N, S/16, S/16).

    `masked` (N,) bool says where the mask is known: reals (all zero) and pasted fakes.
    """

    pixels: Pixels
    fake: NDArray[np.float32]
    masks: NDArray[np.float32]
    masked: NDArray[np.bool_]


class Draws:
    """The endless sequence of training examples, a function of the seed and a position alone.

    Without random state of its own, a run stopped at any position resumes with the same batches.
    """

    def __init__(self, faces: Sequence[Face], seed: int, dfdc_pastes: int = 600) -> None:
        self._faces = faces
        self._seed = seed
        real = [index for index, face in enumerate(faces) if not face.fake]
        fake = [(index, False) for index, face in enumerate(faces) if face.fake]
        pastes = _paste_bases(faces, real, dfdc_pastes)
        self._real = [(index, False) for index in real]
        self._fake = fake + [(index, True) for index in pastes]

    def __len__(self) -> int:
        """Batch positions in one pass over the larger class, counted in examples of both."""
        return 2 * max(len(self._real), len(self._fake))

    def batch(self, position: int, count: int, size: int) -> Batch:
        """Give `count` examples (half of each class) from `position` on, at `size` px."""
        half, cells = count // 2, size // 16
        pixels = np.empty((count, size, size, 3), np.uint8)
        masks = np.zeros((count, cells, cells), np.float32)
        fake = np.repeat(np.array([0, 1], np.float32), half)
        masked = fake == 0
        for row in range(count):
            pool = self._fake if fake[row] else self._real
            place = position // 2 + row % half
            index, pasted = pool[self._shuffled(len(pool), place)]
            rng = np.random.default_rng([self._seed, position, row])
            pixels[row], mask = self._example(index, pasted, size, rng)
            if mask is not None:
                masked[row] = True
                masks[row] = cv2.resize(mask, (cells, cells), interpolation=cv2.INTER_AREA)
        return Batch(pixels, fake, masks, masked)

    def _shuffled(self, length: int, place: int) -> int:
        order = np.random.default_rng([self._seed, length, place // length]).permutation(length)
        return int(order[place % length])

    def _example(
        self, index: int, pasted: bool, size: int, rng: np.random.Generator
    ) -> tuple[Pixels, NDArray[np.float32] | None]:
        crop = decode(self._faces[index])
        mask: NDArray[np.float32] | None = None
        if pasted:
            crop, mask = paste_through_bottleneck(crop, rng)
        return jitter(channel(crop, rng), mask, size, rng)


def _paste_bases(faces: Sequence[Face], real: Sequence[int], dfdc: int) -> list[int]:
    """Choose the reals to paste on: enough for each source's fakes to match its reals."""
    bases: list[int] = []
    for source in sorted({faces[index].source for index in real}):
        own = [index for index in real if faces[index].source == source]
        fakes = sum(face.fake and face.source == source for face in faces)
        wanted = dfdc if source == "dfdc" else max(0, len(own) - fakes)
        bases += [own[k * len(own) // wanted] for k in range(wanted)]
    return bases
