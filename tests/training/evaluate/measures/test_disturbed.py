"""Disturbed crops, and what they weigh."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.training.evaluate.small import pairs_of
from training.channel.call import Shown
from training.channel.codec import Transcoded
from training.channel.levels import LEVELS
from training.evaluate.measures import disturbed
from training.evaluate.measures.disturbed import (
    QUICK,
    Disturbed,
    Level,
    all_levels,
    disturb,
    qualities_at,
    rows_at,
)


def test_the_grid_is_the_channels() -> None:
    assert [(one.kind, one.level) for one in all_levels(quick=False)] == [
        (kind, level) for kind, levels in LEVELS.items() for level in levels
    ]


def test_the_quick_grid_is_part_of_it() -> None:
    for kind, levels in QUICK.items():
        assert set(levels) <= set(LEVELS[kind]), kind
    assert len(all_levels(quick=True)) < 10


def test_a_third_of_either_class_makes_most_calls_and_all_make_the_rest() -> None:
    fake = np.repeat([False, True], 30)
    some = rows_at(Level("vp8", 80), fake)
    assert (fake[some].sum(), (~fake[some]).sum()) == (10, 10)
    for level in (Level("vp8", 500), Level("jpeg", 30)):
        assert len(rows_at(level, fake)) == 60


def test_the_same_level_gives_the_same_crops_and_leaves_the_list_alone() -> None:
    listed = pairs_of(3)
    before = listed.crops.copy()
    first, again = (disturb(listed, Level("noise", 8), threads=2) for _ in range(2))
    np.testing.assert_array_equal(first.crops, again.crops)
    np.testing.assert_array_equal(listed.crops, before)
    assert first.crops.std() > before.std()
    assert np.isnan(first.quantisers).all()


def test_calls_are_made_once_and_read_from_then_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []

    def in_call(kind: str, level: float) -> object:
        def show(pixels: np.ndarray, seed: int) -> Shown:
            made.append(seed)
            return Shown(255 - pixels, Transcoded((), (20, 30.5 if len(made) == 1 else None), ()))

        return show

    monkeypatch.setattr(disturbed, "in_call", in_call)
    listed, level = pairs_of(2), Level("vp8", 500)
    first, again = (disturb(listed, level, 1, tmp_path / "cache") for _ in range(2))
    assert len(made) == 4
    assert made[:2] == made[2:], "a fake and the real of its group are disturbed alike"
    assert made[0] != made[1]
    np.testing.assert_array_equal(first.crops, 255 - listed.crops)
    np.testing.assert_array_equal(again.crops, first.crops)
    for found in (first, again):
        np.testing.assert_array_equal(found.quantisers, [30.5, np.nan, np.nan, np.nan])
    other = listed.with_crops(listed.crops // 2)
    found = disturb(other, level, 1, tmp_path / "cache")
    np.testing.assert_array_equal(found.crops, 255 - other.crops)
    assert len(made) == 8


def test_only_calls_are_kept(tmp_path: Path) -> None:
    disturb(pairs_of(1), Level("blur", 2), 1, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_smaller_face_weighs_less_and_a_blurred_one_too() -> None:
    listed = pairs_of(2)
    plain = Disturbed(listed.crops, np.full(4, np.nan))
    small = qualities_at(listed, plain, Level("scale", 30), threads=1)
    assert small.tolist() == [0, 0, 0, 0]
    heavy = Level("blur", 14)  # 4 px of a crop of 64
    blurred = qualities_at(listed, disturb(listed, heavy, threads=1), heavy, threads=1)
    assert (blurred < qualities_at(listed, plain, heavy, threads=1)).all()


def test_a_coarsely_coded_face_weighs_less() -> None:
    listed = pairs_of(1)
    crops = np.stack([listed.crops[0]] * 2)
    made = Disturbed(crops, np.array([26.0, 30.0]))
    fine, coarse = qualities_at(listed, made, Level("vp8", 150), threads=1)
    assert fine > 0.5
    assert coarse == pytest.approx(fine / 2)  # halfway between 26 and 34
