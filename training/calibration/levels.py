"""A Platt scaling for each level of picture quality, merged where the data cannot tell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engines.spec import Calibration, CalibrationLevel
from training.calibration.platt import balanced, fit_calibration
from training.metrics import Floats

LEVELS: Final = 4
"""Bins of equal mass to start from."""
FEWEST: Final = 100
"""Crops of either class that a level needs; with fewer it shares its neighbour's."""
FOLDS: Final = 5


@dataclass(frozen=True, slots=True)
class Scored:
    """Crops with their raw logits (N,), quality weights (N,) above 0, labels, and groups."""

    logits: Floats
    quality: Floats
    fake: NDArray[np.bool_]
    groups: NDArray[np.str_]

    def of(self, chosen: NDArray[np.bool_]) -> Scored:
        """Some of the crops."""
        return Scored(
            self.logits[chosen], self.quality[chosen], self.fake[chosen], self.groups[chosen]
        )


def fit_levels(scored: Scored) -> Calibration:
    """Fit temperature and bias by quality level, both classes weighing the same in each.

    Levels start as bins of equal mass. One without `FEWEST` crops of either class, or with a
    lower temperature than the better level above it, is joined with that one and both are fitted
    anew (pool adjacent violators): a poorer picture is no ground for trusting the score more.
    `temperature` and `bias` are those over all levels.

    Raises: ValueError when a class is absent, or when larger logits mean real.
    """
    whole = _fit(scored)
    edges = np.unique(np.quantile(scored.quality, np.arange(LEVELS) / LEVELS).round(2))
    edges[0] = 0.0
    starts: list[float] = []
    fits: list[Calibration] = []
    for start in edges[::-1].tolist():  # from the best level down
        fitted = _fit_between(scored, start, starts[0] if starts else np.inf)
        while fits and (fitted is None or fitted.temperature < fits[0].temperature):
            starts, fits = starts[1:], fits[1:]
            fitted = _fit_between(scored, start, starts[0] if starts else np.inf)
        starts, fits = [start, *starts], [fitted or whole, *fits]
    levels = tuple(
        CalibrationLevel(start, fit.temperature, fit.bias)
        for start, fit in zip(starts, fits, strict=True)
    )
    return Calibration(whole.temperature, whole.bias, levels)


def calibrated(calibration: Calibration, logits: Floats, quality: Floats) -> Floats:
    """Calibrated logits, each by the level of its quality (both of one shape)."""
    levels = calibration.levels
    starts = np.array([-np.inf, *(level.above_quality for level in levels)])
    temperatures = np.array([calibration.temperature, *(each.temperature for each in levels)])
    biases = np.array([calibration.bias, *(level.bias for level in levels)])
    at = np.searchsorted(starts, quality, "right") - 1
    return np.asarray(logits / temperatures[at] + biases[at], np.float64)


def cross_fitted(scored: Scored) -> Floats:
    """Calibrated logits (N,) of crops that had no part in the fit, in folds by group.

    Raises: ValueError when a fold's rest lacks a class.
    """
    _, codes = np.unique(scored.groups, return_inverse=True)
    folds = np.random.default_rng(0).permutation(codes.max() + 1)[codes] % FOLDS
    found = np.empty_like(scored.logits)
    for fold in range(FOLDS):
        out = folds == fold
        if out.any():
            fitted = fit_levels(scored.of(~out))
            found[out] = calibrated(fitted, scored.logits[out], scored.quality[out])
    return found


def _fit(scored: Scored) -> Calibration:
    if scored.fake.all() or not scored.fake.any():
        raise ValueError("calibration needs both classes")
    return fit_calibration(scored.logits, scored.fake, balanced(scored.fake))


def _fit_between(scored: Scored, start: float, stop: float) -> Calibration | None:
    """Fit one level; None when it is too small or the score means nothing there."""
    inside = scored.of((scored.quality >= start) & (scored.quality < stop))
    if min(inside.fake.sum(), (~inside.fake).sum()) < FEWEST:
        return None
    try:
        return _fit(inside)
    except ValueError:
        return None
