"""The choice of clip, drift and threshold, on people made of random numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from training.calibration import alarm
from training.calibration.alarm import Choice, choose_alarm
from training.calibration.live import play
from training.calibration.sessions import Evidence
from training.metrics import Floats

STEP_S = 0.25


def people(offsets: Floats, seed: int, length: int = 40) -> Evidence:
    rng = np.random.default_rng(seed)
    logits = offsets[:, None] + rng.normal(0, 1, (len(offsets), length))
    names = np.array([f"{seed}-{row}" for row in range(len(offsets))])
    return Evidence(logits, np.full_like(logits, 0.8), STEP_S, names)


@pytest.fixture(scope="module")
def choice() -> Choice:
    rng = np.random.default_rng(0)
    real, fake = people(rng.normal(-3, 1, 150), 1), people(rng.normal(3, 1, 60), 2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(alarm, "ROUNDS", 5)
        patch.setattr(alarm, "DRAWS", 2)
        patch.setattr(alarm, "CLIPS", (2.0, 4.0))
        patch.setattr(alarm, "DRIFT_STEP", 0.5)
        return choose_alarm(real, fake, 0.1, session_s=120)


def test_people_who_differ_clearly_are_told_apart_at_once(choice: Choice) -> None:
    assert choice.chosen.detected > 0.98
    assert choice.chosen.mean_delay_s < 4
    fresh = np.random.default_rng(5).normal(-3, 1, 100)
    played = play(people(fresh, 6, length=480), choice.model, 0.1)
    assert played.alarmed <= 2, "in 3.3 hours"


def test_no_other_setting_at_the_same_rate_is_quicker(choice: Choice) -> None:
    allowed = [each for each in choice.settings if each.floor_per_hour < 0.1]
    assert choice.chosen.mean_delay_s == min(each.mean_delay_s for each in allowed)


def test_the_line_goes_through_the_threshold_that_was_set(choice: Choice) -> None:
    assert choice.model.threshold(0.1) == pytest.approx(choice.chosen.threshold, abs=0.01)
    low, high = choice.threshold_interval
    assert low <= choice.chosen.threshold * 1.2
    assert high >= choice.chosen.threshold / 1.2


def test_rates_that_the_scored_video_never_showed_are_extrapolated(choice: Choice) -> None:
    hours = 150 * 40 * STEP_S / 3600
    assert choice.real_hours == pytest.approx(hours)
    assert choice.model.extrapolated_below_per_hour == pytest.approx(3 / hours, abs=0.01)
    assert choice.model.extrapolates(0.1)


def test_people_taken_for_fakes_are_excluded_by_the_drift(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alarm, "ROUNDS", 2)
    monkeypatch.setattr(alarm, "CLIPS", (4.0,))
    rng = np.random.default_rng(0)
    offsets = rng.normal(-3, 0.5, 200)
    offsets[:8] = 1.2  # 8 of 200, 120 s each: 1.2 alarms an hour that no threshold prevents
    found = choose_alarm(people(offsets, 1), people(rng.normal(3, 0.5, 100), 2), 0.1, 120)
    assert found.chosen.persistent == 0
    assert found.model.drift >= 0.8
    assert found.chosen.detected > 0.9


def test_what_differs_between_takes_is_no_correlation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alarm, "ROUNDS", 1)
    monkeypatch.setattr(alarm, "CLIPS", (6.0,))
    monkeypatch.setattr(alarm, "DRIFT_STEP", 2.0)
    rng = np.random.default_rng(0)
    real, fake = (people(rng.normal(mean, 0.5, 150), seed) for mean, seed in ((-3, 1), (3, 2)))
    real.logits[:, 20:] += rng.normal(0, 1.5, (150, 1))
    together = choose_alarm(real, fake, 0.1, 60).model.correlation_s
    apart = choose_alarm(replace(real, takes=2), fake, 0.1, 60).model.correlation_s
    assert apart < 2 * STEP_S < together


def test_where_nobody_can_be_told_apart_the_rate_that_is_left_is_stated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(alarm, "ROUNDS", 2)
    monkeypatch.setattr(alarm, "CLIPS", (2.0,))
    monkeypatch.setattr(alarm, "DRIFT_STEP", 1.0)
    rng = np.random.default_rng(0)
    found = choose_alarm(people(rng.normal(2, 2, 60), 1), people(rng.normal(2, 2, 60), 2), 0.1, 60)
    floor = found.chosen.floor_per_hour
    assert floor > 0.1
    assert found.model.extrapolated_below_per_hour >= round(floor, 3)
