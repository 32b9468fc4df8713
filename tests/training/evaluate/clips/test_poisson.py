"""Rates with their intervals, worked by hand."""

from __future__ import annotations

import math

import pytest

from training.evaluate.clips.poisson import poisson_rate


def test_nothing_in_some_hours_is_the_rule_of_three() -> None:
    rate = poisson_rate(0, 2.0)
    assert rate.low == 0
    assert rate.high == pytest.approx(-math.log(0.05) / 2)  # P(none | rate) = exp(-2 rate) = 5 %
    assert str(rate) == "0 in 2.00 h: at most 1.50 an hour"


@pytest.mark.parametrize("hours", [0.5, 10.0])
def test_one_event_has_the_ends_that_make_it_unlikely(hours: float) -> None:
    rate = poisson_rate(1, hours)
    few, many = rate.low * hours, rate.high * hours
    assert 1 - math.exp(-few) == pytest.approx(0.025)  # one or more
    assert math.exp(-many) * (1 + many) == pytest.approx(0.025)  # one or fewer


def test_ten_events_agree_with_garwoods_table() -> None:
    rate = poisson_rate(10, 1.0)
    assert (rate.low, rate.high) == pytest.approx((4.795, 18.390), abs=0.001)
    assert rate.per_hour == 10


def test_no_time_says_nothing() -> None:
    rate = poisson_rate(0, 0.0)
    assert rate.high == math.inf
    assert math.isnan(rate.per_hour)


@pytest.mark.parametrize(("count", "hours"), [(-1, 1.0), (1, -1.0)])
def test_negative_counts_and_times_are_refused(count: int, hours: float) -> None:
    with pytest.raises(ValueError, match="negative"):
        poisson_rate(count, hours)
