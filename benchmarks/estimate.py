"""Figures with their uncertainty: ratios of costs with intervals, slopes, and how a line bends.

Intervals are percentile bootstraps (Efron & Tibshirani 1993) of 95 % with a fixed seed, so that
the same samples give the same interval. They tell the noise within a run; what differs between runs
(the machine's other load, its clock) is seen only by running again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
RESAMPLES: Final = 2000
SEED: Final = 1


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value and the ends of its 95 % interval; `count` samples went in."""

    value: float
    low: float
    high: float
    count: int

    def __str__(self) -> str:
        return f"{self.value:.4g} [{self.low:.4g}, {self.high:.4g}]"

    def body(self) -> dict[str, Any]:
        """As it stands in a benchmark's JSON."""
        return {"value": self.value, "low": self.low, "high": self.high, "count": self.count}


NOTHING: Final = Estimate(float("nan"), float("nan"), float("nan"), 0)
"""What can be said without samples."""


@dataclass(frozen=True, slots=True)
class Stratum:
    """Samples of two costs on the same material, which counts `weight` (its frames)."""

    above: Sequence[float]
    below: Sequence[float]
    weight: float = 1.0


def mean(values: Sequence[float]) -> Estimate:
    """The mean of `values`; NaN without one."""
    if not len(values):
        return NOTHING
    drawn = _drawn_means(values, np.random.default_rng(SEED))
    return _estimate(float(np.mean(values)), drawn, len(values))


def ratio(strata: Sequence[Stratum]) -> Estimate:
    """How many times the cost below goes into the cost above, over all `strata` together.

    Each stratum's means are weighted; samples are drawn anew within their stratum. NaN where a
    stratum has no sample.
    """
    if not strata or not all(len(one.above) and len(one.below) for one in strata):
        return NOTHING
    rng = np.random.default_rng(SEED)
    above = sum(one.weight * _drawn_means(one.above, rng) for one in strata)
    below = sum(one.weight * _drawn_means(one.below, rng) for one in strata)
    value = sum(one.weight * float(np.mean(one.above)) for one in strata)
    value /= sum(one.weight * float(np.mean(one.below)) for one in strata)
    count = sum(len(one.above) + len(one.below) for one in strata)
    return _estimate(value, np.asarray(above) / np.asarray(below), count)


def slope(at: Sequence[float], values: Sequence[float]) -> float:
    """The median of the slopes between all pairs (Theil 1950, Sen 1968): one step or a single
    outlier, as a garbage collection makes them, does not tilt it. NaN below two places.
    """
    x, y = np.asarray(at, np.float64), np.asarray(values, np.float64)
    first, second = np.triu_indices(len(x), k=1)
    run = x[second] - x[first]
    apart = run != 0
    rises = (y[second] - y[first])[apart] / run[apart]
    return float(np.median(rises)) if len(rises) else float("nan")


def bend(at: Sequence[float], costs: Sequence[float]) -> float:
    """By what the cost's slope grows: that over the upper half of the places, through that over the
    lower half (least squares, the middle place in both). 1 is a straight line, below 1 it flattens.

    A cost that does not rise at first but later does bends infinitely; NaN below three places.
    """
    if len(at) < 3:
        return float("nan")
    order = np.argsort(at)
    x, y = np.asarray(at, np.float64)[order], np.asarray(costs, np.float64)[order]
    middle = len(x) // 2
    lower, upper = _line(x[: middle + 1], y[: middle + 1]), _line(x[middle:], y[middle:])
    if lower <= 0:
        return float("inf") if upper > 0 else 1.0
    return upper / lower


def bend_of(samples: Mapping[int, Sequence[float]]) -> Estimate:
    """The `bend` of the means of `samples` (place -> costs), each drawn anew for the interval."""
    places = list(samples)
    if len(places) < 3 or not all(map(len, samples.values())):
        return NOTHING
    rng = np.random.default_rng(SEED)
    drawn = np.stack([_drawn_means(samples[place], rng) for place in places], axis=1)
    bends = np.array([bend(places, costs) for costs in drawn.tolist()])
    value = bend(places, [float(np.mean(samples[place])) for place in places])
    return _estimate(value, bends, sum(map(len, samples.values())))


def _line(x: Values, y: Values) -> float:
    off = x - x.mean()
    return float((off @ (y - y[0])) / (off @ off))  # from y[0]: level costs give 0 to the last bit


def _drawn_means(values: Sequence[float], rng: np.random.Generator) -> Values:
    samples = np.asarray(values, np.float64)
    drawn: Values = samples[rng.integers(len(samples), size=(RESAMPLES, len(samples)))].mean(axis=1)
    return drawn


def _estimate(value: float, drawn: Values, count: int) -> Estimate:
    with np.errstate(invalid="ignore"):  # between two infinities lies no number
        low, high = np.percentile(drawn, [2.5, 97.5]).tolist()
    return Estimate(value, low, high, count)
