"""Headline figures and curves."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import precision_recall_curve, roc_curve

from engines.spec import Calibration, CalibrationLevel
from tests.training.evaluate.small import ByPixels, bench_of, brightness, examples_from, pairs_of
from tests.training.test_metrics import drawn
from training.evaluate.measures.headline import (
    FIGURES,
    GRID,
    confusion,
    measure_headline,
    precision_at,
    reliability_bins,
    roc_at,
)
from training.evaluate.scorers import Identity


@pytest.mark.parametrize("seed", range(3))
def test_the_roc_curve_is_scikit_learns(seed: int) -> None:
    scores, fake = drawn(seed)
    rate, hits, _ = roc_curve(fake, scores, drop_intermediate=False)
    found = roc_at(scores, fake)
    np.testing.assert_allclose(found[1:], np.interp(GRID[1:], rate, hits), atol=1e-9)
    # Of the steps at a false positive rate of 0 the last counts.
    assert found[0] == pytest.approx(hits[rate == 0].max())


@pytest.mark.parametrize("seed", range(3))
def test_precision_is_scikit_learns_at_the_first_threshold_that_reaches_a_recall(
    seed: int,
) -> None:
    scores, fake = drawn(seed)
    values, recalls, _ = precision_recall_curve(fake, scores)
    expected = [values[np.flatnonzero(recalls >= wanted - 1e-12)[-1]] for wanted in GRID[1:]]
    np.testing.assert_allclose(precision_at(scores, fake)[1:], expected)


def test_confusion_counts_what_lies_above_the_threshold() -> None:
    over = np.array([-1.0, 2, 3, -4, 0, 5])
    fake = np.array([False, False, True, True, True, True])
    found = confusion(over, fake)
    assert (found.true_fake, found.missed_fake) == (2, 2)
    assert (found.false_alarm, found.true_real) == (1, 1)


def test_reliability_bins_hold_as_many_crops_each_and_go_up() -> None:
    scores, fake = drawn(ties=False)
    bins = reliability_bins(scores, fake, count=10)
    assert [one.crops for one in bins] == [30] * 10
    assert [one.said for one in bins] == sorted(one.said for one in bins)
    assert sum(one.seen * one.crops for one in bins) == pytest.approx(fake.sum())


def test_a_model_that_tells_all_apart_gets_full_marks() -> None:
    bench = bench_of(pairs_of(20))
    found = measure_headline(bench, bench.judged["plain"])
    assert set(found.figures) == set(FIGURES)
    for name in ("AUC", "average precision", "accuracy", "F1", "recall", "TPR at FPR 1 %"):
        assert found.figures[name].value == 1, name
        assert found.figures[name].high == 1, name
    assert found.figures["AUC"].low == 1
    assert found.figures["recall"].low < 0.9  # of 20 fakes
    assert found.figures["FPR"].value == found.figures["EER"].value == 0
    assert (found.confusion.true_fake, found.confusion.true_real) == (20, 20)
    assert found.roc is not None
    assert set(found.roc.y) == {1.0}


def test_calibrated_figures_use_the_calibration_and_ranking_ones_do_not() -> None:
    examples = pairs_of(20, real=125, fake=131, spread=10)
    plain, wrong = ByPixels(brightness), ByPixels(
        brightness, Identity("wrong", "", Calibration(0.02, 0.0))
    )  # fmt: skip
    bench = bench_of(examples, plain=plain, wrong=wrong)
    one, other = (measure_headline(bench, bench.judged[name]).figures for name in bench.scorers)
    assert one["AUC"] == other["AUC"]
    assert one["log loss, uncalibrated"] == other["log loss, uncalibrated"]
    assert other["log loss"].value > 2 * one["log loss"].value
    assert other["ECE"].value > one["ECE"].value


def test_reals_alone_can_only_raise_false_alarms() -> None:
    listed = pairs_of(20).taken(np.arange(20))
    bench = bench_of(listed)
    found = measure_headline(bench, bench.judged["plain"])
    assert set(found.figures) == {"FPR"}
    assert found.roc is None
    assert not found.reliability


def test_diagrams_split_where_the_calibration_does() -> None:
    crops = [crop for index in range(40) for crop in pairs_of(1).crops[index % 2 :][:1]]
    levels = (CalibrationLevel(0.0, 1.0, 0.0), CalibrationLevel(0.9, 1.0, 0.0))
    identity = Identity("m", "", Calibration(1.0, 0.0, levels))
    bench = bench_of(
        examples_from(crops, [index % 2 == 1 for index in range(40)]),
        m=ByPixels(brightness, identity),
    )
    found = measure_headline(bench, bench.judged["m"]).reliability
    assert [(one.low, one.high, one.crops) for one in found] == [(0, 1, 40), (0.9, 1, 40)]
