"""Masks: what is left of a crop."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.training.evaluate.small import LANDMARKS, SIDE, ByPixels, bench_of, brightness, pairs_of
from training.evaluate.measures.masks import GREY, SHOWN, measure_masks, radius
from training.fakes.shape import fit_shape

MIDDLE = (SIDE // 2, SIDE // 2)
SMALL_FACE = (LANDMARKS - SIDE / 2) * 0.5 + SIDE / 2
"""A face in the middle, with room round it."""


def test_the_outline_is_one_from_the_middle_and_grows_evenly() -> None:
    oval = radius(SMALL_FACE, SIDE)
    shape = fit_shape(SMALL_FACE)
    for x, y in shape.points[4:13]:  # the jaw lies on the outline or, where it is bent, inside
        assert 0.8 < oval[int(y), int(x)] < 1.1
    assert oval[MIDDLE] < 0.5
    assert (oval[:, 0] > 1).all()
    assert (oval[:, -1] > 1).all()
    half = oval[MIDDLE[0], MIDDLE[1] :]
    assert (np.diff(half) > 0).all()


def test_the_parts_cover_the_crop_once() -> None:
    oval = radius(SMALL_FACE, SIDE)
    parts = [SHOWN[name](oval) for name in
             ("background only", "inner face only", "boundary ring only")]  # fmt: skip
    np.testing.assert_array_equal(sum(part.astype(int) for part in parts), 1)
    assert parts[1][MIDDLE]
    assert parts[0][0, 0]


def test_each_part_is_shown_alone_and_all_else_is_grey() -> None:
    listed = pairs_of(4)
    listed.looks.landmarks[:] = SMALL_FACE
    seen: list[NDArray[np.uint8]] = []

    def remember(crop: NDArray[np.uint8]) -> float:
        seen.append(crop.copy())
        return 0.0

    bench = bench_of(listed, plain=ByPixels(remember))
    found = {one.shown: one for one in measure_masks(bench, np.arange(8))}
    assert list(found) == ["the whole crop", *SHOWN]
    assert len(seen) == 8 * (1 + len(SHOWN))
    background, inner = seen[8], seen[16]
    assert (background[MIDDLE] == GREY).all()
    np.testing.assert_array_equal(background[0, 0], listed.crops[0, 0, 0])
    assert (inner[0, 0] == GREY).all()
    np.testing.assert_array_equal(inner[MIDDLE], listed.crops[0][MIDDLE])
    parts = ("background only", "inner face only", "boundary ring only")
    assert sum(found[name].area for name in parts) == pytest.approx(1)


def test_a_model_that_reads_the_background_is_found_out() -> None:
    listed = pairs_of(6, real=130, fake=130, spread=1)
    listed.looks.landmarks[:] = SMALL_FACE
    listed.crops[listed.fake, :8] = 255
    found = measure_masks(bench_of(listed, plain=ByPixels(brightness)), np.arange(12))
    values = {one.shown: one.auc["plain"].value for one in found}
    assert values["the whole crop"] == values["background only"] == 1
    assert values["inner face only"] < 0.9


def test_faces_that_were_not_found_do_not_count() -> None:
    listed = pairs_of(4)
    listed.looks.landmarks[[0, 5]] = np.nan
    assert measure_masks(bench_of(listed), np.arange(8))[0].crops == 6
    listed.looks.landmarks[:] = np.nan
    assert measure_masks(bench_of(listed), np.arange(8)) == ()
