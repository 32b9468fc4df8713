"""Headline: the figures of one model on one list, and its curves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal

import numpy as np

from training.evaluate.measures.bench import ABSTAINS_BELOW, Bench, Figure, Judged, figure_of
from training.metrics import (
    Floats,
    Labels,
    Metric,
    accuracy,
    auc,
    average_precision,
    balanced_accuracy,
    brier,
    calibration_error,
    equal_error_rate,
    f1,
    false_alarm_rate,
    limits,
    log_loss,
    precision,
    recall,
    recall_at_false_alarms,
    sigmoid,
)

Along = Callable[[Floats, Labels], Floats]
Values = Literal["logits", "calibrated", "over"]

FIGURES: Final[Mapping[str, tuple[Metric, Values]]] = {
    "AUC": (auc, "logits"),
    "AUC, calibrated": (auc, "calibrated"),
    "average precision": (average_precision, "logits"),
    "EER": (equal_error_rate, "logits"),
    "TPR at FPR 1 %": (recall_at_false_alarms, "logits"),
    "accuracy": (accuracy, "over"),
    "balanced accuracy": (balanced_accuracy, "over"),
    "precision": (precision, "over"),
    "recall": (recall, "over"),
    "F1": (f1, "over"),
    "FPR": (false_alarm_rate, "over"),
    "log loss": (log_loss, "calibrated"),
    "log loss, uncalibrated": (log_loss, "logits"),
    "Brier score": (brier, "calibrated"),
    "ECE": (calibration_error, "calibrated"),
    "ECE, uncalibrated": (calibration_error, "logits"),
}
"""Figure -> its metric and what it is taken of; AUC and its kin do not depend on a threshold."""
WITHOUT_FAKES: Final = ("FPR",)
"""What a list of reals alone can say."""

BINS: Final = 15
GOOD_QUALITY: Final = 0.7
"""Where the diagrams are split for a model that is calibrated alike at every quality."""
GRID: Final = np.linspace(0, 1, 101)


@dataclass(frozen=True, slots=True)
class Confusion:
    """Counts at the frozen threshold."""

    true_fake: int
    missed_fake: int
    false_alarm: int
    true_real: int


@dataclass(frozen=True, slots=True)
class Bin:
    """One bin of the reliability diagram: mean probability, share of fakes, crops."""

    said: float
    seen: float
    crops: int


@dataclass(frozen=True, slots=True)
class Reliability:
    """The diagram of the crops whose quality lies within `low` and `high`."""

    low: float
    high: float
    crops: int
    ece: Figure
    bins: tuple[Bin, ...]


@dataclass(frozen=True, slots=True)
class Curve:
    """A curve over `x`, a grid of 0..1, with the 95 % band of each point."""

    x: tuple[float, ...]
    y: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Headline:
    """Everything that is said of one model without touching a picture."""

    sha256: str
    threshold: float
    figures: Mapping[str, Figure]
    confusion: Confusion
    reliability: tuple[Reliability, ...]
    roc: Curve | None
    precision_recall: Curve | None


def measure_headline(bench: Bench, judged: Judged) -> Headline:
    """Judge one model; curves need both classes."""
    fake = bench.fake
    values = _values(judged)
    names = FIGURES if fake.any() else WITHOUT_FAKES
    figures = {name: figure_of(FIGURES[name][0], values[FIGURES[name][1]], bench) for name in names}
    both = bool(fake.any() and not fake.all())
    return Headline(
        sha256=judged.identity.sha256,
        threshold=judged.identity.threshold,
        figures={name: found for name, found in figures.items() if not np.isnan(found.value)},
        confusion=confusion(judged.over, fake),
        reliability=_reliability(bench, judged, values["calibrated"]) if both else (),
        roc=_curve(bench, judged.logits, roc_at) if both else None,
        precision_recall=_curve(bench, judged.logits, precision_at) if both else None,
    )


def confusion(over: Floats, fake: Labels) -> Confusion:
    """Count; `over` is above 0 where a crop is called fake."""
    called = over > 0
    return Confusion(
        int((called & fake).sum()), int((~called & fake).sum()),
        int((called & ~fake).sum()), int((~called & ~fake).sum()),
    )  # fmt: skip


def reliability_bins(logits: Floats, fake: Labels, count: int = BINS) -> tuple[Bin, ...]:
    """Bins of equal mass, from the least probable to the most."""
    probability = sigmoid(logits)
    parts = np.array_split(np.argsort(probability, kind="stable"), count)
    return tuple(
        Bin(float(probability[part].mean()), float(fake[part].mean()), len(part))
        for part in parts
        if len(part)
    )


def roc_at(scores: Floats, fake: Labels) -> Floats:
    """True positive rate at the false positive rates of `GRID`, by straight lines between steps."""
    order = np.argsort(-scores, kind="stable")
    last = np.append(np.flatnonzero(np.diff(scores[order])), len(order) - 1)
    hits, alarms = np.cumsum(fake[order])[last], np.cumsum(~fake[order])[last]
    if not hits[-1] or not alarms[-1]:
        return np.full(len(GRID), np.nan)
    rate = np.concatenate([[0], alarms / alarms[-1]])
    return np.interp(GRID, rate, np.maximum.accumulate(np.concatenate([[0], hits / hits[-1]])))


def precision_at(scores: Floats, fake: Labels) -> Floats:
    """Precision at the recalls of `GRID`: that of the first threshold that reaches each."""
    order = np.argsort(-scores, kind="stable")
    last = np.append(np.flatnonzero(np.diff(scores[order])), len(order) - 1)
    hits = np.cumsum(fake[order])[last]
    if not hits[-1]:
        return np.full(len(GRID), np.nan)
    # At recall 0 there is no precision: the first fake's stands for it.
    reached = np.searchsorted(hits / hits[-1], np.maximum(GRID, 1e-9) - 1e-12)
    return np.asarray((hits / (last + 1))[reached], np.float64)


def _values(judged: Judged) -> dict[Values, Floats]:
    frozen = judged.identity.frozen_logit
    return {"logits": judged.logits, "over": judged.over, "calibrated": judged.over + frozen}


def _reliability(bench: Bench, judged: Judged, calibrated: Floats) -> tuple[Reliability, ...]:
    """The diagram of all crops, then by quality: at the levels of the model's calibration."""
    quality = bench.qualities
    levels = judged.identity.calibration.levels
    starts = [one.above_quality for one in levels if 0 < one.above_quality < 1]
    borders = [0.0, *(starts or (ABSTAINS_BELOW, GOOD_QUALITY)), 1.0]
    found = []
    for low, high in ((0.0, 1.0), *pairwise(borders)):
        rows = (quality >= low) & ((quality < high) | (high == 1.0))
        if rows.sum() >= BINS:
            found.append(
                Reliability(
                    low, high, int(rows.sum()),
                    figure_of(calibration_error, calibrated, bench, rows),
                    reliability_bins(calibrated[rows], bench.fake[rows]),
                )
            )  # fmt: skip
    return tuple(found)


def _curve(bench: Bench, scores: Floats, along: Along) -> Curve:
    drawn = [along(scores[chosen], bench.fake[chosen]) for chosen in bench.resampling.draws]
    low, high = np.array([limits(list(column)) for column in np.array(drawn).T]).T
    return Curve(
        tuple(GRID.tolist()), tuple(along(scores, bench.fake).tolist()),
        tuple(low.tolist()), tuple(high.tolist()),
    )  # fmt: skip
