"""The bench: models scored once, and figures with intervals."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from engines.spec import Calibration
from tests.training.evaluate.small import ByPixels, bench_of, brightness, pairs_of
from training.evaluate.measures.bench import figure_of
from training.evaluate.scorers import Identity
from training.metrics import auc, false_alarm_rate, recall


def test_a_model_sees_the_list_once_however_often_it_is_asked() -> None:
    scorer = ByPixels(brightness)
    bench = bench_of(pairs_of(4), plain=scorer)
    assert bench.judged is bench.judged
    assert scorer.seen == [8]


def test_the_frozen_threshold_and_calibration_are_the_models_own() -> None:
    identity = Identity("m", "", Calibration(2.0, 1.0), None, threshold=0.8)
    bench = bench_of(pairs_of(2), m=ByPixels(lambda crop: 3.0, identity))
    np.testing.assert_allclose(bench.judged["m"].over, 3 / 2 + 1 - math.log(4))


def test_baselines_are_left_out_where_they_are_not_wanted() -> None:
    baseline = ByPixels(brightness, Identity("meso", "", baseline=True))
    bench = bench_of(pairs_of(2), mine=ByPixels(brightness), meso=baseline)
    assert list(bench.models) == ["mine"]
    assert list(bench.judge(bench.examples, bench.qualities, baselines=False)) == ["mine"]
    assert list(bench.judged) == ["mine", "meso"]


def test_a_figure_of_some_rows_is_theirs_alone() -> None:
    bench = bench_of(pairs_of(6))
    scores = np.where(np.arange(12) % 2 == 0, bench.fake * 1.0, -(bench.fake * 1.0))
    rows = np.arange(12) % 2 == 0
    assert figure_of(auc, scores, bench, rows).value == 1
    assert figure_of(auc, scores, bench, ~rows).value == 0
    found = figure_of(auc, scores, bench)
    assert found.low <= found.value <= found.high


def test_no_false_alarm_among_few_does_not_mean_that_there_is_none() -> None:
    # Ten reals of five videos: at a rate of 0.52 none of five alarms with a chance of 0.025.
    bench = bench_of(pairs_of(10))
    bench = bench_of(replace(bench.examples, groups=tuple(f"g{i % 5}" for i in range(20))))
    silent = figure_of(false_alarm_rate, np.full(20, -1.0), bench)
    assert (silent.value, silent.low) == (0, 0)
    assert (1 - silent.high) ** 5 == pytest.approx(0.025)
    sure = figure_of(recall, np.full(20, 1.0), bench)
    assert (sure.value, sure.high) == (1, 1)
    assert sure.low**5 == pytest.approx(0.025)


def test_a_figure_without_its_class_has_no_interval() -> None:
    bench = bench_of(pairs_of(3))
    found = figure_of(false_alarm_rate, np.zeros(6), bench, bench.fake)
    assert math.isnan(found.value)
    assert math.isnan(found.low)
