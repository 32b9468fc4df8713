"""Bench: one list, the models on it, and how intervals are drawn; every measure starts here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from stream.scoring.options import ScoringOptions
from training.evaluate.examples import Examples
from training.evaluate.looks import qualities
from training.evaluate.scorers import Heatmaps, Identity, Scorer
from training.evaluate.scoring import over_threshold
from training.metrics import Floats, Labels, Metric, Resampling, false_alarm_rate, recall

ABSTAINS_BELOW: Final = ScoringOptions().min_quality
"""The quality weight below which the program says nothing of a face."""

RATES: Final[Mapping[Metric, bool]] = {false_alarm_rate: False, recall: True}
"""Shares of one class above a threshold, and whether that class is the fakes."""

Step = Callable[[str], None]
"""Called with a line of text before each piece of work, for a progress bar."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One number with its 95 % interval where there is one; NaN where it has no meaning."""

    value: float
    low: float = float("nan")
    high: float = float("nan")


@dataclass(frozen=True, slots=True)
class Judged:
    """A model's word on every crop: raw `logits`, `over` the frozen threshold, `heatmaps`."""

    identity: Identity
    logits: Floats
    over: Floats
    heatmaps: Heatmaps | None = None


@dataclass(frozen=True)
class Bench:
    """`scorers` by name; `rounds` of the bootstrap; `threads` for degrading pictures."""

    examples: Examples
    scorers: Mapping[str, Scorer]
    rounds: int = 1000
    threads: int = 1
    step: Step = lambda text: None

    @cached_property
    def judged(self) -> Mapping[str, Judged]:
        """What each model says of the list, scored once."""
        return self.judge(self.examples, self.qualities)

    @cached_property
    def qualities(self) -> Floats:
        """Quality weights (N,) of the list's crops as they are."""
        return qualities(
            self.examples.crops, self.examples.looks, self.examples.geometry, threads=self.threads
        )

    @cached_property
    def resampling(self) -> Resampling:
        """The draws that all intervals on the whole list share."""
        return Resampling(self.examples.groups, self.rounds)

    @property
    def fake(self) -> Labels:
        """The labels (N,)."""
        return self.examples.fake

    @property
    def models(self) -> Mapping[str, Scorer]:
        """The scorers that are no baselines."""
        return {n: s for n, s in self.scorers.items() if not s.identity.baseline}

    def judge(
        self, examples: Examples, weights: Floats, baselines: bool = True
    ) -> dict[str, Judged]:
        """Score pictures whose quality weights are given."""
        found = {}
        for name, scorer in (self.scorers if baselines else self.models).items():
            self.step(f"{name} scores {len(examples)} crops")
            logits, heatmaps = scorer.look(examples.crops)
            over = over_threshold(logits, weights, scorer.identity)
            found[name] = Judged(scorer.identity, logits, over, heatmaps)
        return found


def figure(metric: Metric, scores: Floats, fake: Labels, resampling: Resampling) -> Figure:
    """Give a metric with its interval.

    A rate of 0 or 1 is drawn again as just that, however few crops there are; its other end is
    the exact binomial one (Clopper & Pearson, 1934) for as many trials as there are groups.
    """
    value = metric(scores, fake)
    if np.isnan(value):
        return Figure(value)
    if metric in RATES and value in (0, 1):
        farthest = 0.025 ** (1 / resampling.count(fake == RATES[metric]))
        return Figure(value, 0.0, 1 - farthest) if value == 0 else Figure(value, farthest, 1.0)
    return Figure(value, *resampling.interval(metric, scores, fake))


def figure_of(
    metric: Metric, scores: Floats, bench: Bench, rows: NDArray[np.bool_] | None = None
) -> Figure:
    """The same on the bench's list, or on some of its crops; `scores` are the whole list's."""
    if rows is None or rows.all():
        return figure(metric, scores, bench.fake, bench.resampling)
    groups = [bench.examples.groups[row] for row in np.flatnonzero(rows)]
    return figure(metric, scores[rows], bench.fake[rows], Resampling(groups, bench.rounds))
