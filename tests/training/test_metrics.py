"""Figures of merit."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn import metrics as reference

from training.metrics import (
    Floats,
    Labels,
    Resampling,
    accuracy,
    auc,
    average_precision,
    balanced_accuracy,
    bootstrap,
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

FAKE = np.array([False, False, True, True])


def drawn(seed: int = 0, count: int = 300, ties: bool = True) -> tuple[Floats, Labels]:
    """Scores that overlap, many of them equal, and their labels."""
    rng = np.random.default_rng(seed)
    fake = rng.random(count) < 0.4
    scores = rng.normal(size=count) + fake
    return (np.round(scores, 1) if ties else scores), fake


@pytest.mark.parametrize(
    ("scores", "expected"),
    [([0, 1, 2, 3], 1.0), ([3, 2, 1, 0], 0.0), ([0, 2, 1, 3], 0.75), ([1, 1, 1, 1], 0.5)],
)
def test_auc_counts_ordered_pairs(scores: list[float], expected: float) -> None:
    assert auc(np.array(scores, float), FAKE) == expected


def test_auc_of_one_class_is_not_a_number() -> None:
    assert math.isnan(auc(np.array([1.0, 2.0]), np.array([True, True])))


@pytest.mark.parametrize("seed", range(3))
def test_ranking_figures_agree_with_scikit_learn(seed: int) -> None:
    scores, fake = drawn(seed)
    assert auc(scores, fake) == pytest.approx(reference.roc_auc_score(fake, scores))
    expected = reference.average_precision_score(fake, scores)
    assert average_precision(scores, fake) == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(3))
def test_figures_at_the_threshold_agree_with_scikit_learn(seed: int) -> None:
    scores, fake = drawn(seed)
    called = scores > 0
    assert accuracy(scores, fake) == pytest.approx(reference.accuracy_score(fake, called))
    assert precision(scores, fake) == pytest.approx(reference.precision_score(fake, called))
    assert recall(scores, fake) == pytest.approx(reference.recall_score(fake, called))
    assert f1(scores, fake) == pytest.approx(reference.f1_score(fake, called))
    expected = reference.balanced_accuracy_score(fake, called)
    assert balanced_accuracy(scores, fake) == pytest.approx(expected)
    expected = reference.brier_score_loss(fake, sigmoid(scores))
    assert brier(scores, fake) == pytest.approx(expected)


def test_rates_without_their_class_are_not_numbers() -> None:
    scores, fakes = np.array([1.0, 2.0]), np.array([True, True])
    for metric in (false_alarm_rate, balanced_accuracy, recall_at_false_alarms):
        assert math.isnan(metric(scores, fakes))
    for of_fakes in (recall, f1, average_precision, recall_at_false_alarms):
        assert math.isnan(of_fakes(scores, ~fakes))
    assert math.isnan(precision(-scores, fakes))


def test_recall_at_one_percent_lets_one_real_of_a_hundred_pass() -> None:
    reals = np.arange(100.0)
    fakes = np.array([99.5, 98.5, 97.5, 50.0])
    scores = np.concatenate([reals, fakes])
    fake = np.arange(104) >= 100
    # The threshold is the second highest real, 98: one real lies above it, two fakes do.
    assert recall_at_false_alarms(scores, fake) == 0.5
    assert recall_at_false_alarms(scores, fake, rate=0.0) == 0.25
    assert recall_at_false_alarms(scores, fake, rate=0.02) == 0.75


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


def test_a_draw_takes_whole_groups() -> None:
    groups = ["a", "b", "a", "c", "c", "c"]
    for chosen in Resampling(groups, rounds=20).draws:
        counts = np.bincount(chosen, minlength=6)
        assert counts[0] == counts[2]
        assert counts[3] == counts[4] == counts[5]


def test_a_paired_difference_is_narrower_than_either_figure() -> None:
    scores, fake = drawn(ties=False)
    groups = [str(index) for index in range(len(fake))]
    resampling = Resampling(groups, rounds=300)
    better = scores + 0.2 * fake
    low, high = resampling.difference(auc, better, scores, fake)
    alone = resampling.interval(auc, scores, fake)
    assert 0 < low < auc(better, fake) - auc(scores, fake) < high
    assert high - low < (alone[1] - alone[0]) / 2
    assert resampling.difference(auc, scores, scores, fake) == (0, 0)


def test_limits_leave_out_draws_that_say_nothing() -> None:
    assert limits([float("nan"), 1.0, 1.0]) == (1.0, 1.0)
    assert all(math.isnan(value) for value in limits([float("nan")]))
