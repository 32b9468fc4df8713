"""Channel swap: a reader of codecs is found out, a reader of faces is not."""

from __future__ import annotations

import numpy as np
import pytest

from tests.training.evaluate.small import ByPixels, bench_of, brightness, pairs_of
from training.evaluate.measures.channel_swap import SWAPS, measure_swaps, swapped
from training.evaluate.measures.disturbed import Level, all_levels
from training.evaluate.measures.robustness import Taken
from training.metrics import Resampling

FAKE = np.repeat([False, True], 50)
DRAWS = Resampling([str(index) for index in range(100)], rounds=50)
LOW, HIGH = Level("jpeg", 30), Level("jpeg", 95)


def test_a_reader_of_faces_does_as_well_either_way() -> None:
    scores = np.random.default_rng(0).normal(size=100) + 2 * FAKE
    found = swapped(scores - 0.01, scores, FAKE, DRAWS)
    assert found.gap < 0.01
    assert found.both_low.value == found.both_high.value > 0.8


def test_a_reader_of_codecs_is_perfect_one_way_and_upside_down_the_other() -> None:
    noise = np.random.default_rng(0).normal(size=100) * 0.1
    found = swapped(noise + 5, noise, FAKE, DRAWS)  # low quality looks fake to it
    assert found.fake_low.value == 1
    assert found.real_low.value == 0
    assert found.both_low.value == pytest.approx(0.5, abs=0.15)
    assert found.gap > 0.4


def test_the_scores_of_the_levels_are_joined_on_the_faces_that_both_have() -> None:
    bench = bench_of(pairs_of(4), plain=ByPixels(brightness))
    few = np.array([0, 1, 4, 5])
    taken = [
        Taken(LOW, np.arange(8), {"plain": np.arange(8.0)}),
        Taken(HIGH, few, {"plain": np.array([0.0, 1, 4, 5])}),
    ]
    (found,) = measure_swaps(bench, np.arange(8), taken)
    assert (found.low, found.high, found.crops) == ("JPEG 30", "JPEG 95", 4)
    assert found.models["plain"].gap == 0


def test_a_swap_without_its_levels_is_left_out() -> None:
    assert measure_swaps(bench_of(pairs_of(2)), np.arange(4), []) == ()


def test_the_full_grid_has_what_every_swap_needs() -> None:
    levels = {*all_levels(quick=False), Level("none", 0.0)}
    assert {level for pair in SWAPS for level in pair} <= levels
