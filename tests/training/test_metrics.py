"""Figures of merit."""

from __future__ import annotations

import math

import numpy as np
import pytest

from training.metrics import (
    auc,
    bootstrap,
    calibration_error,
    equal_error_rate,
    log_loss,
    sigmoid,
)

FAKE = np.array([False, False, True, True])


@pytest.mark.parametrize(
    ("scores", "expected"),
    [([0, 1, 2, 3], 1.0), ([3, 2, 1, 0], 0.0), ([0, 2, 1, 3], 0.75), ([1, 1, 1, 1], 0.5)],
)
def test_auc_counts_ordered_pairs(scores: list[float], expected: float) -> None:
    assert auc(np.array(scores, float), FAKE) == expected


def test_auc_of_one_class_is_not_a_number() -> None:
    assert math.isnan(auc(np.array([1.0, 2.0]), np.array([True, True])))


def test_equal_error_rate() -> None:
    assert equal_error_rate(np.array([0.0, 1, 2, 3]), FAKE) == 0
    assert equal_error_rate(np.array([0.0, 2, 1, 3]), FAKE) == 0.5
    assert equal_error_rate(np.array([3.0, 2, 1, 0]), FAKE) == 1


def test_log_loss_of_chance_and_of_far_logits() -> None:
    assert log_loss(np.zeros(4), FAKE) == pytest.approx(math.log(2))
    assert log_loss(np.array([-1e4, -1e4, 1e4, 1e4]), FAKE) == 0


def test_calibration_error_is_the_gap_between_said_and_seen() -> None:
    fake = np.arange(1000) % 4 == 0
    right = np.full(1000, -math.log(3))  # probability 0.25
    assert calibration_error(right, fake, bins=1) == pytest.approx(0, abs=1e-9)
    assert calibration_error(np.zeros(1000), fake, bins=1) == pytest.approx(0.25)


def test_sigmoid_does_not_overflow() -> None:
    np.testing.assert_allclose(sigmoid(np.array([-1e4, 0, 1e4])), [0, 0.5, 1])


def test_the_interval_is_wider_where_groups_repeat_themselves() -> None:
    rng = np.random.default_rng(0)
    fake = np.repeat(rng.random(60) < 0.5, 10)
    scores = np.repeat(rng.normal(size=60), 10) + fake
    alone = bootstrap(auc, scores, fake, [str(k) for k in range(600)], rounds=200)
    grouped = bootstrap(auc, scores, fake, [str(k // 10) for k in range(600)], rounds=200)
    assert alone[0] < auc(scores, fake) < alone[1]
    assert grouped[1] - grouped[0] > 1.5 * (alone[1] - alone[0])
