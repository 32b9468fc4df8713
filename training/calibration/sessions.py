"""Sessions: a face seen for minutes, made from the seconds of it that were scored.

A network is too slow to score hours of video in a calibration. Each person's scored seconds are
therefore drawn again and again in runs (the stationary bootstrap, Politis & Romano, "The
Stationary Bootstrap", JASA 1994), so that what one person's score does within seconds and where
it stands for good are both kept. What never happened in those seconds cannot happen here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from training.metrics import Floats


@dataclass(frozen=True, slots=True)
class Evidence:
    """Scored crops of N faces, T each, `step_s` of media time apart.

    `logits` (N, T) are calibrated, `weights` (N, T) are quality weights; a weight of 0 marks a
    crop that was never scored. `people` (N,) names who is seen. The T crops are `takes` of one
    length, one after the other.
    """

    logits: Floats
    weights: Floats
    step_s: float
    people: NDArray[np.str_]
    takes: int = 1

    @property
    def hours(self) -> float:
        """How much video was scored."""
        return float(self.logits.size * self.step_s / 3600)

    @property
    def seconds(self) -> float:
        """How long each face was seen."""
        return float(self.logits.shape[1] * self.step_s)

    def clipped(self, clip: float) -> Floats:
        """Weighted log likelihood ratios (N, T) in nats, 0 where nothing was scored."""
        return self.weights * np.clip(self.logits, -clip, clip)

    def offsets(self, clip: float) -> Floats:
        """Each person's weighted mean log likelihood ratio (N,); -inf for one without any."""
        total = self.weights.sum(1)
        sums = self.clipped(clip).sum(1)
        return np.where(total > 0, sums / np.where(total > 0, total, 1.0), -np.inf)

    def of(self, rows: NDArray[np.int_] | NDArray[np.bool_]) -> Evidence:
        """Some of the faces."""
        return replace(
            self, logits=self.logits[rows], weights=self.weights[rows], people=self.people[rows]
        )

    def drawn(self, seconds: float, run_s: float, rng: np.random.Generator) -> Evidence:
        """Draw one session of so many `seconds` for each face, in runs of `run_s` on average."""
        rows, have = self.logits.shape
        steps = max(1, round(seconds / self.step_s))
        fresh = rng.random((rows, steps)) < min(1.0, self.step_s / run_s)
        fresh[:, 0] = True
        begins = np.maximum.accumulate(np.where(fresh, np.arange(steps), 0), 1)
        starts = np.take_along_axis(rng.integers(have, size=(rows, steps)), begins, 1)
        taken = (starts + np.arange(steps) - begins) % have
        return Evidence(
            np.take_along_axis(self.logits, taken, 1),
            np.take_along_axis(self.weights, taken, 1),
            self.step_s,
            self.people,
        )


@dataclass(frozen=True, slots=True)
class Sum:
    """How evidence is summed: the numbers of `engines.spec.AlarmModel` that come before the
    threshold.
    """

    clip: float
    correlation_s: float
    drift: float

    def along(self, evidence: Evidence) -> Floats:
        """The cumulative sum after each crop, (N, T): `stream.scoring.cusum`, for all faces at
        once (Page, "Continuous inspection schemes", Biometrika 1954).
        """
        values = evidence.clipped(self.clip) - evidence.weights * self.drift
        scored = evidence.weights > 0
        total = np.zeros(len(values))
        waited = np.full(len(values), -np.inf)  # the first crop only sets the clock
        sums = np.empty(values.shape)
        for step in range(values.shape[1]):
            waited += evidence.step_s
            share = np.clip(waited / self.correlation_s, 0.0, 1.0)
            moved = np.maximum(0.0, total + values[:, step] * share)
            total = np.where(scored[:, step], moved, total)
            waited = np.where(scored[:, step], 0.0, waited)
            sums[:, step] = total
        return sums


def first_crossing_s(sums: Floats, threshold: float, step_s: float) -> Floats:
    """When each of the sums (N, T) first reaches the threshold, (N,) in seconds; inf for never."""
    above = sums >= threshold
    steps = np.where(above.any(1), above.argmax(1) + 1, np.inf)
    return np.asarray(steps * step_s, np.float64)
