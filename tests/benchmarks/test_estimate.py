"""Estimates: intervals hold what they should, slopes shrug off outliers, bends are seen."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.estimate import NOTHING, Stratum, bend, bend_of, mean, ratio, slope


def test_a_mean_lies_in_its_interval_which_shrinks_with_more_samples() -> None:
    values = np.random.default_rng(3).normal(10, 2, 400)
    few, many = mean(values[:25].tolist()), mean(values.tolist())
    assert few.low < few.value < few.high
    assert many.low < 10 < many.high
    assert many.high - many.low < (few.high - few.low) / 2
    assert (few.count, many.count) == (25, 400)


def test_the_same_samples_give_the_same_interval() -> None:
    assert mean([1.0, 2.0, 4.0]) == mean([1.0, 2.0, 4.0])
    assert mean([2.0, 2.0]).body() == {"value": 2.0, "low": 2.0, "high": 2.0, "count": 2}
    assert str(mean([2.0, 2.0])) == "2 [2, 2]"


def test_nothing_is_said_without_samples() -> None:
    assert mean([]) is ratio([]) is ratio([Stratum([1.0], [])]) is NOTHING


def test_a_ratio_is_that_of_means_and_not_the_mean_of_ratios() -> None:
    assert ratio([Stratum([100.0, 300.0], [1.0, 3.0])]).value == 100.0
    assert ratio([Stratum([100.0, 300.0], [3.0, 1.0])]).value == 100.0


def test_strata_count_by_their_weight() -> None:
    short, long = Stratum([10.0], [1.0], 1), Stratum([60.0], [2.0], 9)
    assert ratio([short, long]).value == pytest.approx((10 + 9 * 60) / (1 + 9 * 2))


def test_a_slope_ignores_an_outlier() -> None:
    at = list(range(20))
    values = [0.5 * x for x in at]
    values[7] += 100
    assert slope(at, values) == pytest.approx(0.5)
    assert np.isnan(slope([1.0], [1.0]))
    assert np.isnan(slope([1.0, 1.0], [1.0, 2.0]))


@pytest.mark.parametrize(
    ("costs", "bends"),
    [
        ([3, 5, 7, 9, 11], 1.0),
        ([3, 5, 7, 8, 9], 0.5),
        ([3, 4, 5, 8, 11], 3.0),
        ([3, 3, 3, 4, 5], float("inf")),
        ([3, 3, 3, 3, 3], 1.0),
    ],
    ids=["straight", "flattens", "steepens", "begins to rise", "level"],
)
def test_a_bend_is_how_much_steeper_the_upper_half_is(costs: list[float], bends: float) -> None:
    assert bend([1, 2, 3, 4, 5], costs) == pytest.approx(bends)
    assert bend([5, 4, 3, 2, 1], costs[::-1]) == pytest.approx(bends)


def test_two_places_do_not_bend() -> None:
    assert np.isnan(bend([1, 2], [1, 2]))


def test_a_bends_interval_comes_from_the_samples_at_each_place() -> None:
    chance = np.random.default_rng(5)
    samples = {n: (3 + 2 * n + chance.normal(0, 0.3, 40)).tolist() for n in (1, 2, 4, 6, 8)}
    found = bend_of(samples)
    assert found.low < 1 < found.high
    assert found.high - found.low < 0.4
    assert found.count == 200
    assert bend_of({1: [1.0], 2: [2.0]}) is bend_of({1: [1.0], 2: [], 3: [3.0]}) is NOTHING


def test_a_bend_that_may_be_infinite_has_an_open_interval() -> None:
    found = bend_of({1: [3.0, 3.0], 2: [3.0, 3.0], 3: [4.0, 5.0]})
    assert found.value == float("inf")
