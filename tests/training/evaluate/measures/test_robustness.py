"""Robustness: figures at each level, on the same faces."""

from __future__ import annotations

import numpy as np
import pytest

from tests.training.evaluate.small import ByPixels, bench_of, brightness, pairs_of
from training.evaluate.measures.disturbed import Level
from training.evaluate.measures.robustness import measure_robustness, subsample
from training.evaluate.scorers import Identity

DARKER = Level("brightness", 0.5)
SMALLER = Level("scale", 30)


def test_a_subsample_is_balanced_and_always_the_same() -> None:
    listed = pairs_of(20)
    rows = subsample(listed, 5)
    assert listed.fake[rows].sum() == 5
    assert len(set(rows.tolist())) == 10
    np.testing.assert_array_equal(rows, subsample(listed, 5))
    assert len(subsample(listed, None)) == len(subsample(listed, 50)) == 40


def test_every_model_is_judged_at_every_level_but_no_baseline() -> None:
    baseline = ByPixels(brightness, Identity("meso", "", baseline=True))
    bench = bench_of(pairs_of(8), one=ByPixels(brightness), two=ByPixels(brightness), meso=baseline)
    sweep, taken = measure_robustness(bench, np.arange(16), [DARKER, SMALLER], None)
    assert [(one.kind, one.level) for one in sweep.levels] == [("brightness", 0.5), ("scale", 30)]
    assert set(sweep.undisturbed.models) == set(sweep.levels[0].models) == {"one", "two"}
    assert [set(one.logits) for one in taken] == [{"one", "two"}] * 2


def test_what_darkness_does_to_a_model_that_reads_brightness() -> None:
    bench = bench_of(pairs_of(8, real=100, fake=150, spread=1))
    sweep, _ = measure_robustness(bench, np.arange(16), [DARKER], None)
    still, dark = sweep.undisturbed.models["plain"], sweep.levels[0].models["plain"]
    assert (still.recall.value, dark.recall.value) == (1, 0)
    assert still.fpr.value == dark.fpr.value == 0
    assert dark.auc.value == 1
    assert dark.lost.value == pytest.approx(0)


def test_the_loss_is_taken_from_the_same_faces_undisturbed() -> None:
    def upside_down(crop: np.ndarray) -> float:
        dark = crop.mean() < 90
        return -brightness(crop) if dark else brightness(crop)

    bench = bench_of(pairs_of(8, real=110, fake=150, spread=1), plain=ByPixels(upside_down))
    sweep, _ = measure_robustness(bench, np.arange(16), [DARKER], None)
    found = sweep.levels[0].models["plain"]
    assert found.auc.value == 0
    assert (found.lost.value, found.lost.low, found.lost.high) == (1, 1, 1)


def test_faces_too_small_to_be_judged_raise_no_alarm() -> None:
    bench = bench_of(pairs_of(8), plain=ByPixels(lambda crop: 5.0))
    sweep, _ = measure_robustness(bench, np.arange(16), [SMALLER], None)
    found = sweep.levels[0]
    assert (found.abstained_real, found.abstained_fake) == (1, 1)
    assert found.models["plain"].fpr.value == 1
    assert found.models["plain"].alarms.value == 0
    assert sweep.undisturbed.abstained_real == 0
    assert sweep.undisturbed.models["plain"].alarms.value == 1
