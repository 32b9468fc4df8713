"""Balanced batches of real and fake crops, each fake beside a real of its own kind.

A batch's first half is real, its second half fake; row `i` of the one and of the other form a
slot. A *native* slot holds a ready-made fake and a real of its source, of its own group where
there is one; a *blend* slot holds a real and a forgery made from that very picture. Both rows of a
slot pass the same channel, so that neither the source, nor the codec, nor sharpness tells the
classes apart. Paired data from one source is what keeps a detector from shortcuts (GenD, arXiv
2508.06248).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from training import channel, negatives
from training.crops import decode, portrait
from training.fakes import METHODS, forge
from training.fakes.donors import Donors
from training.jitter import STEADY, Jitter
from training.manifest import Face
from training.portrait import Portrait
from training.twins import changed_mask, difference, untouched

Pixels = NDArray[np.uint8]
Mask = NDArray[np.float32]

BLENDS: Final[Mapping[str, float]] = {
    "self_blend": 0.4,
    "cross_identity": 0.15,
    "swap_network": 0.25,
    "landmark_warp": 0.12,
    "partial": 0.08,
}
"""How often each method forges a blend slot, before normalisation."""


TRIES: Final = 4
"""How many fakes are looked at for one whose face was really changed."""


@dataclass(frozen=True, slots=True)
class Mix:
    """What the batches are made of.

    `native` is the share of slots with a ready-made fake; 0 trains on blends alone. `blends`,
    `channel` (by strength) and the sources (their size to the power of `balance`) are drawn by
    weight. `negatives` is the share of slots whose faces are disturbed but stay real.
    `left_out` names sources of which no face is used, `fakes_left_out` those of which the reals
    alone are, for leave-one-family-out.
    """

    native: float = 0.6
    blends: Mapping[str, float] = field(default_factory=lambda: dict(BLENDS))
    channel: Mapping[str, float] = field(
        default_factory=lambda: {"none": 0.25, "mild": 0.3, "live": 0.45}
    )
    negatives: float = 0.15
    balance: float = 0.7
    left_out: tuple[str, ...] = ()
    fakes_left_out: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "left_out", tuple(self.left_out))
        object.__setattr__(self, "fakes_left_out", tuple(self.fakes_left_out))
        if not 0 <= self.native <= 1 or not 0 <= self.negatives <= 1:
            raise ValueError("mix.native and mix.negatives are shares between 0 and 1")
        unknown = [name for name in self.blends if name not in METHODS]
        unknown += [name for name in self.channel if name not in channel.STRENGTHS]
        if unknown:
            raise ValueError(f"mix names {', '.join(unknown)}, which there is not")
        if not self.channel or (self.native < 1 and not self.blends):
            raise ValueError("mix.channel and, with native below 1, mix.blends need an entry")


@dataclass(frozen=True, slots=True)
class Batch:
    """`pixels` uint8 (N, S, S, 3) RGB, `fake` float32 (N,), `masks` float32 (N, S/16, S/16).

    `masked` (N,) bool says where the mask is known: reals (all zero), forgeries and twins.
    `paired` (N/2,) bool says in which slots the fake shows the real's own frame, pixel by pixel.
    """

    pixels: Pixels
    fake: NDArray[np.float32]
    masks: NDArray[np.float32]
    masked: NDArray[np.bool_]
    paired: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Slot:
    """The two pictures of a slot before channel and jitter; `mask` is None where unknown."""

    real: Pixels
    fake: Pixels
    mask: Mask | None


class Draws:
    """The endless sequence of training examples, a function of the seed and a position alone.

    Without random state of its own, a run stopped at any position resumes with the same batches,
    and several workers may make batches side by side.

    Raises: ValueError when a class is absent, or when the mix asks for blends and no real face
    has landmarks.
    """

    def __init__(self, faces: Sequence[Face], mix: Mix, seed: int) -> None:
        no_fakes = {*mix.left_out, *mix.fakes_left_out}
        self._faces = [
            face for face in faces if face.source not in (no_fakes if face.fake else mix.left_out)
        ]
        self._mix = mix
        self._seed = seed
        self._real = self._by_source(False)
        self._fake = self._by_source(True)
        self._known = {
            source: kept
            for source, indices in self._real.items()
            if len(kept := self._with_landmarks(indices))
        }
        if not self._real or (mix.native > 0 and not self._fake):
            raise ValueError("both classes are needed to train")
        if mix.native < 1 and not self._known:
            raise ValueError(
                "mix.blends needs faces with landmarks: run `python -m training prepare` first"
            )

    def __len__(self) -> int:
        """Examples in about one pass over the larger class, counted in rows of both."""
        real, fake = (sum(map(len, pools.values())) for pools in (self._real, self._fake))
        return 2 * max(real, fake)

    def batch(self, position: int, count: int, size: int) -> Batch:
        """Give `count` examples (half of each class) from `position` on, at `size` px."""
        half, cells = count // 2, size // 16
        pixels = np.empty((2 * half, size, size, 3), np.uint8)
        masks = np.zeros((2 * half, cells, cells), np.float32)
        masked, paired = np.ones(2 * half, bool), np.zeros(half, bool)
        for row in range(half):
            rng = np.random.default_rng([self._seed, position // 2 + row])
            blended = rng.random() >= self._mix.native
            slot = self._blended(rng) if blended else self._native(rng)
            # A blend must not be told by a codec grid that only its background kept.
            moved = _finished(slot, self._channel(rng), rng, size, 0.0 if blended else STEADY)
            pixels[row], pixels[half + row] = moved.real, moved.fake
            masked[half + row] = paired[row] = moved.mask is not None
            if moved.mask is not None:
                masks[half + row] = cv2.resize(
                    moved.mask, (cells, cells), interpolation=cv2.INTER_AREA
                )
        fake = np.repeat(np.array([0, 1], np.float32), half)
        return Batch(pixels, fake, masks, masked, paired)

    def _native(self, rng: np.random.Generator) -> Slot:
        for _ in range(TRIES):
            fake = self._drawn(self._fake, rng)
            real = self._partner(self._faces[fake], rng)
            pictures = decode(self._faces[real]), decode(self._faces[fake])
            same_group = self._faces[real].group == self._faces[fake].group
            apart = difference(*pictures) if same_group else None
            if apart is None:
                real_shown = self._disturbed(real, pictures[0], rng)
                return Slot(real_shown, self._disturbed(fake, pictures[1], rng), None)
            if not untouched(apart, pictures[0]):
                return Slot(*pictures, changed_mask(apart))
        return Slot(*pictures, None)

    def _partner(self, fake: Face, rng: np.random.Generator) -> int:
        """A real of the fake's group, else of its source, else any."""
        own = self._siblings.get(fake.group)
        if own:
            return int(own[rng.integers(len(own))])
        if fake.source in self._real:
            return int(rng.choice(self._real[fake.source]))
        return self._drawn(self._real, rng)

    def _disturbed(self, index: int, shown: Pixels, rng: np.random.Generator) -> Pixels:
        face = self._faces[index]
        if face.landmarks is None or rng.random() >= self._mix.negatives:
            return shown
        return negatives.disturb(_known(face), rng)

    def _blended(self, rng: np.random.Generator) -> Slot:
        index = self._drawn(self._known, rng)
        target = _known(self._faces[index])
        if rng.random() < self._mix.negatives:
            target = Portrait(negatives.disturb(target, rng), target.landmarks)
        method = _weighted(self._mix.blends, rng)
        donor = None
        if METHODS[method].needs_donor:
            place = self._places[index]
            donor = _known(self._faces[self._pool[self._donors.choose(place, rng)]])
        forgery = forge(method, target, donor, rng)
        return Slot(forgery.base, forgery.pixels, forgery.mask)

    def _channel(self, rng: np.random.Generator) -> channel.Channel:
        strength = _weighted(self._mix.channel, rng)
        return channel.sample(rng, cast(channel.Strength, strength))

    def _drawn(self, pools: Mapping[str, NDArray[np.intp]], rng: np.random.Generator) -> int:
        weights = {source: len(pool) ** self._mix.balance for source, pool in pools.items()}
        pool = pools[_weighted(weights, rng)]
        return int(pool[rng.integers(len(pool))])

    def _by_source(self, fake: bool) -> dict[str, NDArray[np.intp]]:
        found: dict[str, list[int]] = {}
        for index, face in enumerate(self._faces):
            if face.fake == fake:
                found.setdefault(face.source, []).append(index)
        return {source: np.array(found[source], np.intp) for source in sorted(found)}

    def _with_landmarks(self, indices: NDArray[np.intp]) -> NDArray[np.intp]:
        kept = [index for index in indices if self._faces[index].landmarks is not None]
        return np.array(kept, np.intp)

    @cached_property
    def _siblings(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for pool in self._real.values():
            for index in pool:
                found.setdefault(self._faces[index].group, []).append(int(index))
        return found

    @cached_property
    def _pool(self) -> list[int]:
        return [int(index) for pool in self._known.values() for index in pool]

    @cached_property
    def _places(self) -> dict[int, int]:
        return {index: place for place, index in enumerate(self._pool)}

    @cached_property
    def _donors(self) -> Donors:
        return Donors.of(
            (_known(self._faces[index]) for index in self._pool),
            [self._faces[index].group for index in self._pool],
        )


def _known(face: Face) -> Portrait:
    """The crop of a face that has landmarks."""
    known = portrait(face)
    assert known is not None
    return known


def _finished(
    slot: Slot, passed: channel.Channel, rng: np.random.Generator, size: int, steady: float
) -> Slot:
    """Put both pictures through the channel and one jitter."""
    jitter = Jitter.sample(rng, steady)
    real, _ = jitter.apply(passed.apply(slot.real), None, size)
    fake, mask = jitter.apply(passed.apply(slot.fake), slot.mask, size)
    return Slot(real, fake, mask)


def _weighted(weights: Mapping[str, float], rng: np.random.Generator) -> str:
    names = sorted(weights)
    shares = np.array([weights[name] for name in names])
    return names[int(rng.choice(len(names), p=shares / shares.sum()))]
