"""How far a run has come, and what follows from it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.training.small_run import RECIPE
from training.fitting.course import LEAST_RATE, Course

pytestmark = pytest.mark.torch


def test_the_rate_warms_up_and_falls_to_almost_nothing() -> None:
    course = Course(replace(RECIPE, steps=100, warm_up=0.1))
    rates = []
    for step in range(100):
        course.step = step
        rates.append(course.rate)
    assert rates[:11] == sorted(rates[:11])
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[0] == LEAST_RATE
    assert max(rates) > 0.95
    assert rates[-1] < 0.01


def test_phases_follow_progress() -> None:
    course = Course(RECIPE)
    assert [course.phase_at(step).size_px for step in range(7)] == [32, 32, 32, 64, 64, 64, 64]


def test_time_counts_where_it_is_further_than_the_steps() -> None:
    course = Course(replace(RECIPE, steps=1000, budget_s=60.0))
    course.step, course.spent_s = 10, 30.0
    assert course.progress == 0.5
    course.step = 700
    assert course.progress == 0.7
    course.spent_s = 90.0
    assert course.progress == 1


def test_evaluations_fall_due_at_their_share_and_at_the_end() -> None:
    course = Course(replace(RECIPE, steps=10, evaluate_every=0.4))
    seen = []
    for step in range(11):
        course.step = step
        if course.due:
            seen.append(step)
            course.evaluated(0.5)
    assert seen == [4, 8, 10]
    assert course.finished


def test_many_evaluations_never_drift_from_their_steps() -> None:
    course = Course(replace(RECIPE, steps=1000, evaluate_every=0.1))
    seen = []
    for step in range(1001):
        course.step = step
        if course.due:
            seen.append(step)
            course.evaluated(0.5)
    assert seen == list(range(100, 1001, 100))


def test_a_leap_in_time_makes_one_evaluation_due_and_not_all_that_were_passed() -> None:
    course = Course(replace(RECIPE, steps=1000, budget_s=100.0, evaluate_every=0.1))
    course.spent_s = 55.0
    assert course.due
    course.evaluated(0.5)
    assert not course.due
    course.spent_s = 60.0
    assert course.due


def test_the_best_evaluation_is_remembered_over_a_restart() -> None:
    course = Course(RECIPE)
    course.evaluated(0.7)
    assert course.improved
    after = Course(RECIPE)
    after.restore(course.state())
    after.evaluated(0.6)
    assert not after.improved
    after.evaluated(0.8)
    assert after.improved


def test_every_step_has_a_seed_of_its_own() -> None:
    one, other = Course(RECIPE), Course(replace(RECIPE, seed=1))
    seeds = set()
    for step in range(1000):
        one.step = other.step = step
        seeds |= {one.seed, other.seed}
    assert len(seeds) == 2000
