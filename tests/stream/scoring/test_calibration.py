"""Calibration: Platt scaling and the logistic function."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.scoring.calibration import LOGIT_LIMIT, calibrated_logit, probability_of


def test_a_logit_is_divided_by_the_temperature_and_moved_by_the_bias() -> None:
    assert calibrated_logit(3.0, temperature=2.0, bias=-0.5) == 1.0


def test_without_calibration_a_logit_stays() -> None:
    assert calibrated_logit(-2.5, 1.0, 0.0) == -2.5


@pytest.mark.parametrize(("logit", "expected"), [(1e6, LOGIT_LIMIT), (-1e6, -LOGIT_LIMIT)])
def test_one_crop_never_says_more_than_the_limit(logit: float, expected: float) -> None:
    assert calibrated_logit(logit, 1.0, 0.0) == expected


def test_at_the_limit_a_probability_differs_from_one_by_less_than_a_hundred_thousandth() -> None:
    assert 1 - probability_of(LOGIT_LIMIT) < 1e-5


@pytest.mark.parametrize(
    ("logit", "probability"),
    [(0.0, 0.5), (math.log(3), 0.75), (-math.log(3), 0.25), (1000.0, 1.0), (-1000.0, 0.0)],
)
def test_the_logistic_function_at_known_points(logit: float, probability: float) -> None:
    assert probability_of(logit) == pytest.approx(probability)


@given(st.floats(-1e300, 1e300))
def test_a_probability_lies_between_zero_and_one_and_mirrors(logit: float) -> None:
    probability = probability_of(logit)
    assert 0.0 <= probability <= 1.0
    assert probability + probability_of(-logit) == pytest.approx(1.0)


@given(st.floats(-50, 50), st.floats(-50, 50), st.floats(0.1, 10), st.floats(-5, 5))
def test_calibration_keeps_the_order_of_scores(
    one: float, other: float, temperature: float, bias: float
) -> None:
    low, high = sorted((one, other))
    assert calibrated_logit(low, temperature, bias) <= calibrated_logit(high, temperature, bias)
