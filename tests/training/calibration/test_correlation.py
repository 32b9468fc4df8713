"""The autocorrelation time, against processes whose time is known."""

from __future__ import annotations

import numpy as np
import pytest

from training.calibration.correlation import correlation_s
from training.metrics import Floats

STEP_S = 0.25


def autoregressive(kept: float, rows: int, length: int, seed: int = 0) -> Floats:
    """AR(1), stationary with variance 1: its time is (1 + kept) / (1 - kept) steps."""
    rng = np.random.default_rng(seed)
    values = np.empty((rows, length))
    values[:, 0] = rng.normal(size=rows)
    for step in range(1, length):
        fresh = rng.normal(size=rows)
        values[:, step] = kept * values[:, step - 1] + np.sqrt(1 - kept**2) * fresh
    return values


@pytest.mark.parametrize(("kept", "steps"), [(0.5, 3.0), (0.8, 9.0), (0.9, 19.0)])
def test_an_autoregressive_process_has_its_known_time(kept: float, steps: float) -> None:
    values = autoregressive(kept, 1500, 40)
    assert correlation_s(values, STEP_S) == pytest.approx(steps * STEP_S, rel=0.12)


def test_independent_scores_are_one_step_apart() -> None:
    values = np.random.default_rng(1).normal(size=(3000, 40))
    assert correlation_s(values, STEP_S) == pytest.approx(STEP_S, rel=0.4)


def test_what_is_constant_for_a_person_does_not_count() -> None:
    values = autoregressive(0.8, 1500, 40)
    offsets = np.random.default_rng(2).normal(0, 5, (1500, 1))
    assert correlation_s(values + offsets, STEP_S) == pytest.approx(correlation_s(values, STEP_S))


def test_crops_that_were_not_scored_leave_a_gap_and_no_bias() -> None:
    values = autoregressive(0.8, 3000, 40)
    values[np.random.default_rng(3).random(values.shape) < 0.3] = np.nan
    assert correlation_s(values, STEP_S) == pytest.approx(9 * STEP_S, rel=0.15)


def test_scores_that_never_vary_are_refused() -> None:
    with pytest.raises(ValueError, match="vary"):
        correlation_s(np.ones((5, 20)), STEP_S)
