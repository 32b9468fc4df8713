"""AreaSums: the averages of PyTorch's area interpolation, for whole levels and for crops."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.faces.pooling import AreaSums, edges
from stream.types import Floats, Pixels
from tests.builders import textured


def average(pixels: Pixels, height: int, width: int) -> Floats:
    """One bin after the other, as the definition says."""
    tall, wide = pixels.shape[:2]
    result = np.empty((height, width, 3), np.float32)
    for row in range(height):
        top, bottom = row * tall // height, math.ceil((row + 1) * tall / height)
        for column in range(width):
            left, right = column * wide // width, math.ceil((column + 1) * wide / width)
            total = pixels[top:bottom, left:right].sum(axis=(0, 1), dtype=np.int64)
            result[row, column] = (
                total.astype(np.float32) / np.float32(bottom - top) / np.float32(right - left)
            )
    return result


@settings(deadline=None)  # two cores may be shared
@given(st.integers(1, 60), st.integers(1, 60), st.integers(1, 40), st.integers(1, 40))
def test_a_level_is_the_average_of_its_bins(tall: int, wide: int, height: int, width: int) -> None:
    pixels = textured(wide, tall)
    np.testing.assert_array_equal(
        AreaSums(pixels).resize(height, width), average(pixels, height, width)
    )


@settings(deadline=None)  # two cores may be shared
@given(st.data())
def test_crops_are_the_averages_of_their_parts(data: st.DataObject) -> None:
    pixels = textured(50, 40)
    side = data.draw(st.sampled_from([1, 5, 24, 48]))
    boxes = []
    for _ in range(data.draw(st.integers(1, 4))):
        x1, y1 = data.draw(st.integers(0, 49)), data.draw(st.integers(0, 39))
        boxes.append(
            (x1, y1, data.draw(st.integers(x1 + 1, 50)), data.draw(st.integers(y1 + 1, 40)))
        )
    crops = AreaSums(pixels).crops(np.array(boxes), side)
    for (x1, y1, x2, y2), crop in zip(boxes, crops, strict=True):
        np.testing.assert_array_equal(crop, average(pixels[y1:y2, x1:x2], side, side))


def test_a_region_gives_the_crops_that_the_whole_picture_gives() -> None:
    pixels = textured(200, 100)
    boxes = np.array([[30, 20, 90, 80], [100, 40, 130, 60]])
    whole = AreaSums(pixels).crops(boxes, 24)
    part = AreaSums(pixels, (30, 20, 130, 80)).crops(boxes, 24)
    np.testing.assert_array_equal(part, whole)


def test_no_boxes_give_no_crops() -> None:
    assert AreaSums(textured(20, 20)).crops(np.empty((0, 4), np.int64), 24).shape == (0, 24, 24, 3)


def test_sums_that_wrap_round_still_give_the_average() -> None:
    white = np.full((3000, 3000, 3), 255, np.uint8)  # 255 * 9e6 is more than an int32 holds
    level = AreaSums(white).resize(10, 10)
    assert (level == 255).all()


def test_bins_cover_their_length_and_share_at_most_a_pixel() -> None:
    starts, ends = edges(np.array([10, 3]), 4)
    assert starts.tolist() == [[0, 2, 5, 7], [0, 0, 1, 2]]
    assert ends.tolist() == [[3, 5, 8, 10], [1, 2, 3, 3]]


def test_averages_are_pytorchs() -> None:
    torch = pytest.importorskip("torch")
    pixels = textured(131, 97)
    planes = torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].float()
    for size in ((30, 40), (24, 24), (97, 131), (110, 140)):
        expected = torch.nn.functional.interpolate(planes, size=size, mode="area")
        np.testing.assert_array_equal(
            AreaSums(pixels).resize(*size), expected[0].permute(1, 2, 0).numpy()
        )
