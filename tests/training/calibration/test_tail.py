"""The threshold's line, on evidence whose false alarms can be reckoned."""

from __future__ import annotations

import numpy as np
import pytest

from training.calibration.sessions import Evidence, Sum
from training.calibration.tail import fit_tail

SESSION_S = 900.0
STEP_S = 1.0


def independent(rows: int, steps: int, mean: float, sd: float, seed: int) -> Evidence:
    values = np.random.default_rng(seed).normal(mean, sd, (rows, steps))
    return Evidence(values, np.ones_like(values), STEP_S, np.arange(rows).astype(str))


def test_the_slope_is_the_reciprocal_of_lundbergs_exponent() -> None:
    # E[exp(t (x - drift))] = 1 for x ~ N(mean, sd²) at t = 2 (drift - mean) / sd².
    seen = independent(800, int(SESSION_S), -0.5, 1.2, seed=0)
    sums = Sum(clip=100.0, correlation_s=STEP_S, drift=0.25).along(seen)
    tail = fit_tail(sums.max(1), SESSION_S / 3600)
    exponent = 2 * 0.75 / 1.2**2
    assert tail.per_e_fold == pytest.approx(1 / exponent, rel=0.2)
    assert abs(tail.shape) < 0.3


def test_fresh_evidence_alarms_as_often_as_the_line_says() -> None:
    each = Sum(clip=100.0, correlation_s=STEP_S, drift=0.25)
    maxima = each.along(independent(800, 900, -0.5, 1.2, seed=1)).max(1)
    threshold = fit_tail(maxima, SESSION_S / 3600).threshold(0.1)
    fresh = each.along(independent(4000, 900, -0.5, 1.2, seed=2)).max(1)
    alarms, hours = int((fresh >= threshold).sum()), 4000 * SESSION_S / 3600
    assert 50 <= alarms <= 200, f"100 were wanted in {hours:.0f} hours"


def test_the_rate_at_the_start_counts_excursions_and_not_sessions() -> None:
    maxima = np.concatenate([np.zeros(50), 10 + np.arange(50.0)])
    tail = fit_tail(maxima, 0.5)
    assert tail.exceeding == 20
    assert tail.start == 39
    assert tail.rate_at_start == pytest.approx(-np.log(1 - 0.2) / 0.5)
    assert tail.per_e_fold == pytest.approx(np.mean(np.arange(1, 21)))


def test_a_tenfold_rate_is_a_fixed_way_down() -> None:
    tail = fit_tail(np.random.default_rng(3).exponential(2.0, 1000), 1.0)
    gap = tail.threshold(0.1) - tail.threshold(1.0)
    assert gap == pytest.approx(np.log(10) * tail.per_e_fold)
    assert tail.per_e_fold == pytest.approx(2.0, rel=0.25)
    assert tail.at_one_per_hour == tail.threshold(1.0)


def test_sums_that_never_rise_leave_the_rule_of_three_and_the_theorys_slope() -> None:
    tail = fit_tail(np.zeros(100), 0.5)
    assert tail.threshold(3 / 50) == 0
    assert tail.threshold(3 / 50 / np.e) == pytest.approx(1)
    assert tail.exceeding == 0
