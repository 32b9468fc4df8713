"""Models and control as stored and re-encoded."""

from __future__ import annotations

import numpy as np

from tests.training.evaluate.small import ByPixels, bench_of, brightness, pairs_of
from tests.training.evaluate.test_control import coded
from training.evaluate.measures.sharing import CONTROL, measure_sharing


def test_a_list_that_its_codec_gives_away_is_named() -> None:
    listed, training = coded(30, real=95, fake=60), coded(30, real=95, fake=60, seed=500)
    found = measure_sharing(bench_of(listed), listed, training, control=True)
    assert found is not None
    assert found.stored[CONTROL].value > 0.95
    assert found.shared[CONTROL].value < found.stored[CONTROL].value - 0.15
    assert found.leaks
    assert found.control_from == "the training split"


def test_the_benchs_own_list_is_not_scored_again() -> None:
    listed = pairs_of(10)
    scorer = ByPixels(brightness)
    bench = bench_of(listed, plain=scorer)
    found = measure_sharing(bench, listed, None, control=False)
    assert found is not None
    assert scorer.seen == [20, 20]  # as stored once, re-encoded once
    assert not found.leaks
    assert set(found.stored) == {"plain"}


def test_a_list_that_was_reencoded_is_seen_as_stored_too() -> None:
    stored = pairs_of(10)
    bench = bench_of(stored.reencoded())
    found = measure_sharing(bench, stored, None, control=True)
    assert found is not None
    assert found.stored["plain"].value == 1
    assert "folds" in found.control_from


def test_one_class_cannot_leak() -> None:
    listed = pairs_of(3).taken(np.arange(3))
    assert measure_sharing(bench_of(listed), listed, None, control=True) is None
