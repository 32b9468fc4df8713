"""Sources, methods, pairs, differences and permuted labels."""

from __future__ import annotations

import numpy as np
import pytest

from tests.training.evaluate.small import (
    ByPixels,
    bench_of,
    brightness,
    examples_from,
    pairs_of,
    textured,
)
from training.evaluate.measures.breakdown import by_method, by_source, differences, pairs, permuted


def test_each_source_is_judged_alone() -> None:
    # In the second source bright means real: pooled, the two would hide each other.
    means = [90, 90, 160, 160, 160, 160, 90, 90]
    crops = [textured(index, mean) for index, mean in enumerate(means)]
    fake = [False, False, True, True] * 2
    bench = bench_of(examples_from(crops, fake, sources=["a"] * 4 + ["b"] * 4))
    found = {part.name: part.auc["plain"].value for part in by_source(bench)}
    assert found == {"a": 1, "b": 0}


def test_a_methods_fakes_stand_against_the_reals_of_their_source_only() -> None:
    means = [90, 90, 160, 160, 200, 200]
    crops = [textured(index, mean) for index, mean in enumerate(means)]
    bench = bench_of(
        examples_from(
            crops, [False, False, True, True, False, False],
            sources=["a"] * 4 + ["b"] * 2, methods=["", "", "swap", "splice", "", ""],
        )
    )  # fmt: skip
    found = {part.name: part for part in by_method(bench)}
    assert set(found) == {"swap", "splice"}
    assert (found["swap"].reals, found["swap"].fakes) == (2, 1)
    assert found["swap"].auc["plain"].value == 1


def test_pairs_ask_only_within_groups() -> None:
    # Each fake is a little brighter than its own real, but darker than the other groups' reals.
    means = [60, 120, 180, 80, 140, 200]
    crops = [textured(index % 3, mean, spread=1) for index, mean in enumerate(means)]
    listed = examples_from(crops, [False] * 3 + [True] * 3, ["a", "b", "c"] * 2)
    bench = bench_of(listed, plain=ByPixels(brightness), blind=ByPixels(lambda crop: 0.0))
    found = pairs(bench)
    assert found is not None
    assert found.groups == 3
    assert found.above["plain"].value == 1
    assert found.above["blind"].value == 0.5


def test_without_a_group_of_both_classes_there_are_no_pairs() -> None:
    listed = pairs_of(2)
    bench = bench_of(examples_from(list(listed.crops), [False, False, True, True]))
    assert pairs(bench) is None


def test_a_difference_is_the_first_less_the_second() -> None:
    bench = bench_of(
        pairs_of(30, real=120, fake=135, spread=10),
        good=ByPixels(brightness),
        blind=ByPixels(lambda crop: float(crop[0, 0, 0])),
    )
    (found,) = differences(bench)
    assert (found.first, found.second) == ("good", "blind")
    assert 0 < found.auc.low < found.auc.value < found.auc.high


def test_one_class_has_no_differences() -> None:
    bench = bench_of(
        pairs_of(3).taken(np.arange(3)), a=ByPixels(brightness), b=ByPixels(brightness)
    )
    assert differences(bench) == ()


def test_shuffled_labels_give_one_half_even_for_a_perfect_score() -> None:
    fake = np.arange(200) >= 100
    found = permuted(fake.astype(float), fake)
    assert found.mean == pytest.approx(0.5, abs=0.02)
    assert found.low < 0.5 < found.high
    assert found.high < 0.65
