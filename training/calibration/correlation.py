"""How long the scores of one face hang together: the integrated autocorrelation time."""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy.optimize import nnls

from training.metrics import Floats

LAGS_SHARE: Final = 0.5
"""Lags up to this share of a stream are fitted: longer ones are averages over few pairs."""
DECAYS: Final = 80
"""How many decay times are tried, from a third of a step to half of a stream."""


def correlation_s(values: Floats, step_s: float) -> float:
    """Time after which two samples of one stream count as independent, in seconds.

    `values` (N, T) holds N streams of one length, NaN where nothing was scored. The time is
    ``step_s * (1 + 2 * sum of autocorrelations)``: a sum of n samples varies as one of ``n *
    step_s / time`` independent ones.

    The autocovariance is not estimated directly: a short stream's own mean would take the slow
    fluctuation with it. The variogram (Matheron, "Principles of geostatistics", 1963), half the
    mean square of differences, needs no mean, and what is constant for a person drops out. To it
    is fitted white noise plus one exponential decay, ``n + s * (1 - exp(-lag / decay))``.

    Raises: ValueError when no stream varies.
    """
    lags = np.arange(1, max(2, int(values.shape[1] * LAGS_SHARE)) + 1)
    variogram = np.array([_half_square(values[:, lag:] - values[:, :-lag]) for lag in lags])
    if not np.nanmax(variogram) > 0:
        raise ValueError("the scores of no stream vary: there is no correlation to measure")
    known = np.isfinite(variogram)
    lags, variogram = lags[known], variogram[known]
    best, found = np.inf, 1.0
    for decay in np.geomspace(1 / 3, len(lags), DECAYS):
        design = np.stack([np.ones(len(lags)), 1 - np.exp(-lags / decay)], 1)
        (noise, slow), residual = nnls(design, variogram)
        if residual < best - 1e-12:
            together = float(np.exp(-1 / decay)) * slow / max(noise + slow, 1e-300)
            best, found = residual, 1 + 2 * together / (1 - float(np.exp(-1 / decay)))
    return step_s * float(found)


def _half_square(differences: Floats) -> float:
    squares = np.square(differences[np.isfinite(differences)])
    return float(squares.mean() / 2) if len(squares) else float("nan")
