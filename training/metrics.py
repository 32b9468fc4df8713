"""Figures of merit for frame scores, with intervals that respect groups; numpy only."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Metric = Callable[[Floats, NDArray[np.bool_]], float]


def sigmoid(logits: Floats) -> Floats:
    """Give 1 / (1 + exp(-x)) without overflow."""
    return np.asarray(0.5 * (1 + np.tanh(logits / 2)), np.float64)


def auc(scores: Floats, fake: NDArray[np.bool_]) -> float:
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


def equal_error_rate(scores: Floats, fake: NDArray[np.bool_]) -> float:
    """The error rate at the threshold where misses and false alarms are equally frequent."""
    order = np.argsort(scores, kind="stable")
    ordered = fake[order]
    missed = np.concatenate([[0], np.cumsum(ordered)]) / max(1, ordered.sum())
    alarms = 1 - np.concatenate([[0], np.cumsum(~ordered)]) / max(1, (~ordered).sum())
    best = int(np.argmin(np.abs(missed - alarms)))
    return float((missed[best] + alarms[best]) / 2)


def log_loss(logits: Floats, fake: NDArray[np.bool_]) -> float:
    """Mean negative log likelihood of the labels; 0.693 is chance."""
    signed = np.where(fake, logits, -logits)
    return float(np.logaddexp(0, -signed).mean())


def calibration_error(logits: Floats, fake: NDArray[np.bool_], bins: int = 15) -> float:
    """Expected calibration error over `bins` bins of equal mass."""
    probability = sigmoid(logits)
    parts = np.array_split(np.argsort(probability, kind="stable"), bins)
    gaps = [len(p) * abs(probability[p].mean() - fake[p].mean()) for p in parts if len(p)]
    return float(sum(gaps) / len(fake))


def bootstrap(
    metric: Metric,
    scores: Floats,
    fake: NDArray[np.bool_],
    groups: Sequence[str],
    rounds: int = 1000,
    seed: int = 0,
) -> tuple[float, float]:
    """95 % percentile interval of a metric when whole groups are drawn with replacement."""
    _, codes = np.unique(np.asarray(groups), return_inverse=True)
    order = np.argsort(codes, kind="stable")
    members = np.split(order, np.flatnonzero(np.diff(codes[order])) + 1)
    rng = np.random.default_rng(seed)
    values = []
    for _ in range(rounds):
        drawn = rng.integers(len(members), size=len(members))
        chosen = np.concatenate([members[index] for index in drawn])
        values.append(metric(scores[chosen], fake[chosen]))
    low, high = np.nanpercentile(values, [2.5, 97.5])
    return float(low), float(high)
