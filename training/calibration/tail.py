"""The threshold's line: how often the sum of a real face climbs how high."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.stats import genpareto

from training.metrics import Floats

SHARE: Final = 0.1
"""The share of sessions whose maxima are the tail."""
FEWEST: Final = 20
"""Below so many maxima a tail's slope is a guess: more of the body is taken instead."""


@dataclass(frozen=True, slots=True)
class Tail:
    """Maxima above `start` nats: `rate_at_start` an hour, `per_e_fold` nats higher for each
    factor e fewer. `shape` is the generalised Pareto's: above 0 the tail is heavier than the
    exponential one, and the line too low far out.
    """

    start: float
    rate_at_start: float
    per_e_fold: float
    shape: float
    exceeding: int

    @property
    def at_one_per_hour(self) -> float:
        """The sum that is reached once an hour."""
        return self.threshold(1.0)

    def threshold(self, per_hour: float) -> float:
        """The sum that is reached `per_hour` times an hour."""
        return self.start + self.per_e_fold * float(np.log(self.rate_at_start / per_hour))


def fit_tail(maxima: Floats, session_h: float) -> Tail:
    """Fit an exponential tail to the greatest sums (N,) of sessions of `session_h` hours each.

    A cumulative sum of independent log likelihood ratios with a negative mean has exponential
    maxima (Siegmund, "Sequential Analysis", 1985, chapter 8), which is why the line is straight.
    One maximum a session is one excursion, so neighbouring crops do not count twice (peaks over
    threshold: Davison & Smith, "Models for exceedances over high thresholds", JRSS-B 1990).

    Where fewer than 2 sessions ever left 0 there is nothing to fit: then the greatest is taken to
    be reached three times in all hours (the rule of three), and the slope is 1 nat, the theory's
    for log likelihood ratios.
    """
    ordered = np.sort(maxima)[::-1]
    wanted = max(FEWEST, round(SHARE * len(ordered)))
    count = min(wanted, int((ordered > ordered[-1]).sum()), len(ordered) - 1)
    if count < 2:
        return Tail(float(ordered[0]), 3 / (len(ordered) * session_h), 1.0, float("nan"), 0)
    start = float(ordered[count])
    excess = ordered[:count] - start
    # Excursions are Poisson: a session may hold several, and only its greatest is seen.
    rate = -np.log1p(-count / len(ordered)) / session_h
    return Tail(start, float(rate), float(excess.mean()), _shape(excess), count)


def _shape(excess: Floats) -> float:
    return float(genpareto.fit(excess, floc=0)[0]) if len(excess) >= FEWEST else float("nan")
