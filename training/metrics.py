"""Figures of merit for frame scores, with intervals that respect groups; numpy only.

Scores are larger for fakes. A crop is called fake where its logit lies above 0, so a frozen
threshold is subtracted before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Labels = NDArray[np.bool_]
Metric = Callable[[Floats, Labels], float]


def sigmoid(logits: Floats) -> Floats:
    """Give 1 / (1 + exp(-x)) without overflow."""
    return np.asarray(0.5 * (1 + np.tanh(logits / 2)), np.float64)


def auc(scores: Floats, fake: Labels) -> float:
    """Area under the ROC curve: the share of (fake, real) pairs in order, ties counting half.

    NaN where one class is absent.
    """
    fakes = int(fake.sum())
    reals = len(fake) - fakes
    if not fakes or not reals:
        return float("nan")
    values, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    del values
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    return float((ranks[fake].sum() - fakes * (fakes + 1) / 2) / (fakes * reals))


def average_precision(scores: Floats, fake: Labels) -> float:
    """Area under the precision-recall curve, without interpolation; tied scores are one step.

    NaN without fakes. A score that tells nothing gets the share of fakes.
    """
    order = np.argsort(-scores, kind="stable")
    ranked, ordered = fake[order], scores[order]
    if not ranked.any():
        return float("nan")
    last = np.append(np.flatnonzero(np.diff(ordered)), len(ordered) - 1)
    hits = np.cumsum(ranked)[last]
    return float((np.diff(hits, prepend=0) * hits / (last + 1)).sum() / hits[-1])


def equal_error_rate(scores: Floats, fake: Labels) -> float:
    """The error rate at the threshold where misses and false alarms are equally frequent."""
    order = np.argsort(scores, kind="stable")
    ordered = fake[order]
    missed = np.concatenate([[0], np.cumsum(ordered)]) / max(1, ordered.sum())
    alarms = 1 - np.concatenate([[0], np.cumsum(~ordered)]) / max(1, (~ordered).sum())
    best = int(np.argmin(np.abs(missed - alarms)))
    return float((missed[best] + alarms[best]) / 2)


def recall_at_false_alarms(scores: Floats, fake: Labels, rate: float = 0.01) -> float:
    """Share of the fakes above a threshold that at most `rate` of the reals exceed; NaN for one
    class.
    """
    if fake.all() or not fake.any():
        return float("nan")
    reals = np.sort(scores[~fake])[::-1]
    return float((scores[fake] > reals[int(rate * len(reals) + 1e-9)]).mean())


def log_loss(logits: Floats, fake: Labels) -> float:
    """Mean negative log likelihood of the labels; 0.693 is chance."""
    signed = np.where(fake, logits, -logits)
    return float(np.logaddexp(0, -signed).mean())


def brier(logits: Floats, fake: Labels) -> float:
    """Mean squared distance of the probability from the label; 0.25 is chance."""
    return float(((sigmoid(logits) - fake) ** 2).mean())


def calibration_error(logits: Floats, fake: Labels, bins: int = 15) -> float:
    """Expected calibration error over `bins` bins of equal mass."""
    probability = sigmoid(logits)
    parts = np.array_split(np.argsort(probability, kind="stable"), bins)
    gaps = [len(p) * abs(probability[p].mean() - fake[p].mean()) for p in parts if len(p)]
    return float(sum(gaps) / len(fake))


def accuracy(logits: Floats, fake: Labels) -> float:
    """Share of crops on the right side of the threshold."""
    return float(((logits > 0) == fake).mean())


def recall(logits: Floats, fake: Labels) -> float:
    """Share of the fakes above the threshold; NaN without fakes."""
    return _share(logits[fake] > 0)


def false_alarm_rate(logits: Floats, fake: Labels) -> float:
    """Share of the reals above the threshold; NaN without reals."""
    return _share(logits[~fake] > 0)


def precision(logits: Floats, fake: Labels) -> float:
    """Share of fakes among what is above the threshold: as good as the list's share of fakes."""
    return _share(fake[logits > 0])


def balanced_accuracy(logits: Floats, fake: Labels) -> float:
    """Mean of the two classes' shares on the right side; NaN for one class."""
    return (recall(logits, fake) + 1 - false_alarm_rate(logits, fake)) / 2


def f1(logits: Floats, fake: Labels) -> float:
    """Harmonic mean of precision and recall for the fake class; NaN without fakes."""
    if not fake.any():
        return float("nan")
    called = logits > 0
    return float(2 * (called & fake).sum() / (called.sum() + fake.sum()))


class Resampling:
    """Draws of whole groups with replacement, the same ones for every metric and every model.

    The faces of one video are no independent evidence, so the interval comes from drawing the
    videos anew (the cluster bootstrap). `groups` (N,) names each crop's.
    """

    def __init__(self, groups: Sequence[str], rounds: int = 1000, seed: int = 0) -> None:
        self._groups = groups
        self._rounds = rounds
        self._seed = seed

    @cached_property
    def draws(self) -> list[NDArray[np.int32]]:
        """Indices of the crops of each round."""
        _, codes = np.unique(np.asarray(self._groups), return_inverse=True)
        order = np.argsort(codes, kind="stable").astype(np.int32)
        members = np.split(order, np.flatnonzero(np.diff(codes[order])) + 1)
        rng = np.random.default_rng(self._seed)
        drawn = (rng.integers(len(members), size=len(members)) for _ in range(self._rounds))
        return [np.concatenate([members[index] for index in chosen]) for chosen in drawn]

    def count(self, rows: Labels) -> int:
        """How many groups some of the crops belong to."""
        return len({group for group, kept in zip(self._groups, rows, strict=True) if kept})

    def interval(self, metric: Metric, scores: Floats, fake: Labels) -> tuple[float, float]:
        """95 % percentile interval of a metric."""
        return limits([metric(scores[chosen], fake[chosen]) for chosen in self.draws])

    def difference(
        self, metric: Metric, scores: Floats, others: Floats, fake: Labels
    ) -> tuple[float, float]:
        """95 % interval of a metric's difference between two models, round by round."""
        return limits(
            [
                metric(scores[chosen], fake[chosen]) - metric(others[chosen], fake[chosen])
                for chosen in self.draws
            ]
        )


def limits(values: Sequence[float]) -> tuple[float, float]:
    """The middle 95 % of what was drawn, NaN left out; NaN twice where there is nothing else."""
    known = np.asarray(values, np.float64)
    known = known[~np.isnan(known)]
    if not len(known):
        return float("nan"), float("nan")
    low, high = np.percentile(known, [2.5, 97.5])
    return float(low), float(high)


def bootstrap(
    metric: Metric,
    scores: Floats,
    fake: Labels,
    groups: Sequence[str],
    rounds: int = 1000,
    seed: int = 0,
) -> tuple[float, float]:
    """95 % percentile interval of a metric when whole groups are drawn with replacement."""
    return Resampling(groups, rounds, seed).interval(metric, scores, fake)


def _share(values: Labels) -> float:
    return float(values.mean()) if len(values) else float("nan")
