"""Verdicts: people in calls, through the window, the sum and the states that run live."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engines.spec import AlarmModel, Calibration
from stream.types import FaceState
from tests.training.evaluate.small import ByPixels, bench_of, brightness, examples_from, textured
from training.evaluate.measures import verdicts as measured
from training.evaluate.measures.disturbed import Level
from training.evaluate.measures.verdicts import measure_verdicts, verdicts
from training.evaluate.scorers import Identity

ALARM = AlarmModel(4.0, 0.8, 2.0, 3.0, 0.4, 1.0)
MODEL = Identity("plain", "0" * 64, alarm=ALARM)
CROPS = 24


def said(logit: float, weight: float = 1.0, model: Identity = MODEL) -> list[FaceState]:
    return verdicts(model, np.full(CROPS, logit), np.full(CROPS, weight))


def test_nothing_is_said_before_there_are_samples_enough() -> None:
    states = said(5.0)
    assert states[:3] == [FaceState.UNDECIDED] * 3
    assert states[3] is FaceState.SUSPICIOUS, "one crop of four is no alarm yet"
    assert states[-1] is FaceState.FAKE
    assert set(said(-5.0)[3:]) == {FaceState.NO_EVIDENCE}


def test_poor_crops_are_never_judged_whatever_they_say() -> None:
    assert set(said(5.0, weight=0.1)) == {FaceState.UNDECIDED}
    assert set(said(5.0, weight=0.0)) == {FaceState.UNDECIDED}


def test_a_logit_counts_as_it_is_calibrated() -> None:
    cautious = replace(MODEL, calibration=Calibration(temperature=10.0))
    assert FaceState.FAKE in said(5.0)
    assert FaceState.FAKE not in said(5.0, model=cautious)


def test_people_are_filmed_in_every_call_and_each_class_is_told_apart(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(measured, "SECONDS", 4.0)
    monkeypatch.setattr(measured, "LEVELS", (Level("vp8", 500.0), Level("h264", 150.0)))
    people = examples_from(
        [textured(seed, 80 if seed < 2 else 180, side=128) for seed in range(4)],
        [False, False, True, True],
    )
    bench = bench_of(
        people,
        mine=ByPixels(brightness, MODEL),
        meso=ByPixels(brightness, replace(MODEL, baseline=True)),
        bare=ByPixels(brightness),
    )
    first, second = measure_verdicts(bench, np.arange(4))
    assert (first.kind, first.level, second.kind) == ("vp8", 500, "h264")
    assert (first.reals, first.fakes) == (2, 2)
    assert set(first.of_real) == {"mine"}, "a baseline has no verdict, nor one without an alarm"
    real, fake = first.of_real["mine"], first.of_fake["mine"]
    assert (real.alarmed.value, fake.alarmed.value) == (0, 1)
    assert (real.accused.value, fake.accused.value) == (0, 1)
    assert real.alarmed.high == pytest.approx(1 - 0.025 ** (1 / 2))
    assert np.isnan(real.accused.high), "drawn again, 0 would be 0"


def test_who_cannot_be_judged_is_undecided_and_raises_no_alarm(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(measured, "SECONDS", 2.0)
    monkeypatch.setattr(measured, "LEVELS", (Level("vp8", 500.0),))
    people = examples_from([textured(0, 180), textured(1, 180)], [False, True])
    faceless = replace(people.looks, landmarks=np.full((2, 5, 2), np.nan, np.float32))
    bench = bench_of(replace(people, looks=faceless), mine=ByPixels(brightness, MODEL))
    (level,) = measure_verdicts(bench, np.arange(2))
    for spoken in (level.of_real["mine"], level.of_fake["mine"]):
        assert (spoken.undecided.value, spoken.alarmed.value) == (1, 0)


def test_without_anybody_to_film_nothing_is_measured() -> None:
    bench = bench_of(examples_from([textured(0, 80)], [False]), mine=ByPixels(brightness, MODEL))
    assert measure_verdicts(bench, np.arange(0)) == ()
