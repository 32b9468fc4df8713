"""Plots of one list as it is: ROC, precision and recall, reliability, parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from training.evaluate.measures.bench import Figure as Number
from training.evaluate.measures.breakdown import Part
from training.evaluate.measures.headline import Curve, Headline, Reliability
from training.evaluate.report.style import (
    BAND,
    SOFT,
    as_svg,
    colour,
    legend_above,
    line,
    marker,
    panels,
    plotting,
)

TICKS: Final = (0, 0.2, 0.4, 0.6, 0.8, 1)
BANDS_UP_TO: Final = 3
"""More models than this would hide each other's bands."""


def plot_curves(models: Mapping[str, Headline], prevalence: float) -> bytes:
    """ROC and precision-recall curves side by side, with bands."""
    with plotting():
        figure, (left, right) = panels(1, 2, (10.4, 4.9))
        left.plot([0, 1], [0, 1], color=SOFT, linewidth=0.8, linestyle=(0, (1, 3)))
        right.axhline(prevalence, color=SOFT, linewidth=0.8, linestyle=(0, (1, 3)))
        for index, (name, headline) in enumerate(models.items()):
            if headline.roc is not None:
                _banded(left, headline.roc, name, index, len(models) <= BANDS_UP_TO)
            if headline.precision_recall is not None:
                curve = headline.precision_recall
                _banded(right, curve, name, index, len(models) <= BANDS_UP_TO)
        _square(left, "ROC", "false positive rate", "true positive rate")
        _square(right, "Precision and recall", "recall", "precision")
        legend_above(figure, left, list(models))
        return as_svg(figure, "curves")


def plot_reliability(name: str, parts: Sequence[Reliability]) -> bytes:
    """Reliability diagrams: all crops, then by quality."""
    with plotting():
        figure, axes = panels(1, len(parts), (2.6 * max(2, len(parts)), 3.1))
        for panel, part in zip(axes, parts, strict=True):
            panel.plot([0, 1], [0, 1], color=SOFT, linewidth=0.8, linestyle=(0, (1, 3)))
            said, seen = ([getattr(one, key) for one in part.bins] for key in ("said", "seen"))
            error = [_binomial(one.seen, one.crops) for one in part.bins]
            panel.errorbar(said, seen, yerror(seen, error), fmt="o-", color=colour(0), capsize=2,
                           elinewidth=0.8, linewidth=1.2)  # fmt: skip
            words = f"{quality_words(part)}\nECE {part.ece.value:.3f}, {part.crops} crops"
            _square(panel, words, "said: probability", "")
        axes[0].set_ylabel("seen: share of fakes")
        return as_svg(figure, f"reliability {name}")


def quality_words(part: Reliability) -> str:
    """What the crops of a diagram have in common."""
    if part.low == 0 and part.high == 1:
        return "All crops"
    if part.low == 0:
        return f"Quality below {part.high:g}"
    return f"Quality {part.low:g} to {part.high:g}"


def plot_parts(parts: Sequence[Part], models: Sequence[str], title: str) -> bytes:
    """AUC of each part and model, with intervals; parts of one class are left out."""
    kept = [part for part in parts if any(np.isfinite(one.value) for one in part.auc.values())]
    with plotting():
        height = 1.3 + 0.26 * len(kept) * max(1, len(models))
        figure, (axes,) = panels(1, 1, (8.2, height))
        for index, name in enumerate(models):
            numbers = [part.auc[name] for part in kept]
            places = np.arange(len(kept)) + _offset(index, len(models))
            _dots(axes, numbers, places, name, index)
        axes.axvline(0.5, color=SOFT, linewidth=0.8, linestyle=(0, (1, 3)))
        axes.set_yticks(range(len(kept)), [part.name for part in kept])
        axes.set_ylim(len(kept) - 0.5, -0.5)
        lowest = [one.low for part in kept for one in part.auc.values()]
        axes.set_xlim(min(0.3, float(np.nanmin(lowest, initial=1))) - 0.02, 1.02)
        axes.set_xlabel("AUC (dotted: chance)")
        legend_above(figure, axes, models)
        return as_svg(figure, title)


def yerror(values: Sequence[float], spread: Sequence[float]) -> list[list[float]]:
    """Error bars that stay within 0..1."""
    pairs = list(zip(values, spread, strict=True))
    return [[min(e, v) for v, e in pairs], [min(e, 1 - v) for v, e in pairs]]


def _binomial(share: float, count: int) -> float:
    """Half a 95 % interval of a share (Agresti & Coull)."""
    trials = count + 4
    middle = (share * count + 2) / trials
    return float(1.96 * np.sqrt(middle * (1 - middle) / trials))


def _dots(
    axes: Axes, numbers: Sequence[Number], places: NDArray[Any], name: str, index: int
) -> None:
    values = np.array([one.value for one in numbers])
    error = np.array(
        [[one.value - one.low for one in numbers], [one.high - one.value for one in numbers]]
    )
    axes.errorbar(values, places, xerr=np.nan_to_num(np.maximum(error, 0)), fmt=marker(index),
                  color=colour(index), label=name, capsize=2, elinewidth=1)  # fmt: skip


def _offset(index: int, count: int) -> float:
    return 0.0 if count == 1 else 0.5 * (index / (count - 1) - 0.5)


def _banded(axes: Axes, curve: Curve, name: str, index: int, band: bool) -> None:
    if band:
        axes.fill_between(
            curve.x, curve.low, curve.high, color=colour(index), alpha=BAND, linewidth=0
        )
    axes.plot(curve.x, curve.y, label=name, **line(index))


def _square(axes: Axes, title: str, across: str, up: str) -> None:
    axes.set(title=title, xlabel=across, ylabel=up, xlim=(0, 1), ylim=(0, 1.005))
    axes.set_xticks(TICKS)
    axes.set_yticks(TICKS)
    axes.set_aspect("equal", "box")
