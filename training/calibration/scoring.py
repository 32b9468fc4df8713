"""Every person scored: as single crops through channels of all strengths, and as footage."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engines.spec import CropGeometry
from training.ahead import done_ahead
from training.calibration.faces import Person
from training.calibration.footage import SCORED_FPS, Pixels, film, single
from training.calibration.levels import Scored
from training.calibration.model import Model
from training.channel import sample
from training.metrics import Floats

SINGLES: Final = 3
"""Crops of each person that pass a live channel; one more is taken as it is stored."""
APART_S: Final = 2.5
"""Nearer crops of one film are too alike to count as several."""
TAKES: Final = 2
"""Footage of a person: every other take is mirrored, and each has its own light, size and codec."""
AHEAD: Final = 4
"""People prepared ahead for each thread: 6 MB each."""


@dataclass(frozen=True, slots=True)
class Scores:
    """Raw logits and quality weights of P people: single crops (P, K) and footage (P, T)."""

    single_logits: Floats
    single_weights: Floats
    film_logits: Floats
    film_weights: Floats
    fake: NDArray[np.bool_]
    groups: NDArray[np.str_]
    sources: NDArray[np.str_]
    step_s: float

    def counts(self) -> dict[str, int]:
        """How many people there are of each source and class."""
        classes = np.where(self.fake, "fake", "real").tolist()
        pairs = zip(self.sources.tolist(), classes, strict=True)
        return dict(sorted(Counter(f"{source} {label}" for source, label in pairs).items()))

    def crops(self) -> Scored:
        """The single crops, and one crop of the footage every `APART_S`, that live would score."""
        every = max(1, round(APART_S / self.step_s))
        logits = np.concatenate([self.single_logits, self.film_logits[:, ::every]], 1)
        weights = np.concatenate([self.single_weights, self.film_weights[:, ::every]], 1)
        many = logits.shape[1]
        fake, groups = np.repeat(self.fake, many), np.repeat(self.groups, many)
        scored = Scored(logits.ravel(), weights.ravel(), fake, groups)
        return scored.of(scored.quality > 0)


@dataclass(frozen=True, slots=True)
class _Prepared:
    crops: Pixels
    weights: Floats


def score_people(
    people: Sequence[Person],
    model: Model,
    seconds: float,
    threads: int,
    seed: int,
    done: Callable[[], None],
) -> Scores:
    """Score everybody; `done` is called after each. A person's draws depend on `seed` and place."""
    logits, weights = [], []
    for prepared in _prepared(people, model.geometry, seconds, threads, seed):
        logits.append(model.logits(prepared.crops))
        weights.append(prepared.weights)
        done()
    all_logits, all_weights = np.stack(logits), np.stack(weights)
    films = SINGLES + 1
    return Scores(
        single_logits=all_logits[:, :films],
        single_weights=all_weights[:, :films],
        film_logits=all_logits[:, films:],
        film_weights=all_weights[:, films:],
        fake=np.array([person.fake for person in people]),
        groups=np.array([person.group for person in people]),
        sources=np.array([person.source for person in people]),
        step_s=1 / SCORED_FPS,
    )


def _prepared(
    people: Sequence[Person], geometry: CropGeometry, seconds: float, threads: int, seed: int
) -> Iterator[_Prepared]:
    """Cut everybody's crops in `threads` threads, in order, a bounded number ahead."""
    jobs = (
        partial(_prepare, person, geometry, seconds, np.random.default_rng([seed, place]))
        for place, person in enumerate(people)
    )
    return done_ahead(jobs, threads, AHEAD * threads)


def _prepare(
    person: Person, geometry: CropGeometry, seconds: float, rng: np.random.Generator
) -> _Prepared:
    channels = [sample(rng, "none"), *(sample(rng, "live") for _ in range(SINGLES))]
    shots = [single(person.still, geometry, channel) for channel in channels]
    stills = [person.still.mirrored() if take % 2 else person.still for take in range(TAKES)]
    takes = [film(still, geometry, seconds / TAKES, rng) for still in stills]
    return _Prepared(
        np.concatenate([np.stack([crop for crop, _ in shots]), *(take.crops for take in takes)]),
        np.concatenate([[weight for _, weight in shots], *(take.weights for take in takes)]),
    )
