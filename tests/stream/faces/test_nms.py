"""Suppression of overlapping boxes, against a loop that says what is meant."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.faces.nms import BLOCK, iou, nms, nms_min
from stream.types import Floats


def overlap(one: Floats, other: Floats, pixel: float, smaller: bool) -> float:
    """Whole numbers below 2^24 are exact in float32, so this equals the vectorised overlap."""
    width = max(0.0, float(min(one[2], other[2]) - max(one[0], other[0])) + pixel)
    height = max(0.0, float(min(one[3], other[3]) - max(one[1], other[1])) + pixel)
    areas = [
        (float(box[2] - box[0]) + pixel) * (float(box[3] - box[1]) + pixel) for box in (one, other)
    ]
    union = min(areas) if smaller else sum(areas) - width * height
    return float(np.float32(width * height) / np.float32(union))


def one_by_one(
    boxes: Floats, order: list[int], threshold: float, pixel: float, smaller: bool
) -> list[int]:
    kept: list[int] = []
    for index in order:
        over = (overlap(boxes[index], boxes[k], pixel, smaller) for k in kept)
        if not any(value > np.float32(threshold) for value in over):
            kept.append(index)
    return kept


@st.composite
def scored_boxes(draw: st.DrawFn, most: int = 40) -> tuple[Floats, Floats]:
    corner, side = st.integers(0, 30), st.integers(1, 20)
    rows = draw(st.lists(st.tuples(corner, corner, side, side), max_size=most))
    boxes = np.array([(x, y, x + w, y + h) for x, y, w, h in rows], np.float32).reshape(-1, 4)
    scores = draw(st.permutations(range(len(rows))))
    return boxes, np.array(scores, np.float32) / np.float32(64)


@settings(deadline=None)  # two cores may be shared
@given(scored_boxes(), st.sampled_from([0.3, 0.5, 0.7]))
def test_nms_keeps_what_a_loop_over_boxes_keeps(
    drawn: tuple[Floats, Floats], threshold: float
) -> None:
    boxes, scores = drawn
    order = np.argsort(-scores, kind="stable").tolist()
    assert nms(boxes, scores, threshold).tolist() == one_by_one(
        boxes, order, threshold, 0.0, smaller=False
    )


@settings(deadline=None)  # two cores may be shared
@given(scored_boxes())
def test_nms_min_compares_with_the_smaller_box(drawn: tuple[Floats, Floats]) -> None:
    boxes, scores = drawn
    order = np.argsort(scores)[::-1].tolist()
    assert nms_min(boxes, scores, 0.7).tolist() == one_by_one(boxes, order, 0.7, 1.0, smaller=True)


def test_more_boxes_than_a_block_are_compared_across_blocks() -> None:
    rng = np.random.default_rng(0)
    corners = rng.integers(0, 100, (3 * BLOCK, 2))
    boxes = np.concatenate([corners, corners + rng.integers(5, 30, corners.shape)], axis=1)
    boxes = boxes.astype(np.float32)
    scores = rng.permutation(len(boxes)).astype(np.float32)
    order = np.argsort(-scores).tolist()
    assert nms(boxes, scores, 0.5).tolist() == one_by_one(boxes, order, 0.5, 0.0, smaller=False)


@pytest.mark.parametrize("suppress", [nms, nms_min])
def test_no_boxes_keep_none(suppress: Callable[[Floats, Floats, float], Floats]) -> None:
    assert len(suppress(np.empty((0, 4), np.float32), np.empty(0, np.float32), 0.5)) == 0


def test_equal_scores_keep_the_first_and_in_the_last_stage_the_last() -> None:
    boxes = np.array([[0, 0, 10, 10], [0, 0, 10, 10]], np.float32)
    scores = np.ones(2, np.float32)
    assert nms(boxes, scores, 0.5).tolist() == [0]
    assert nms_min(boxes, scores, 0.7).tolist() == [1]


def test_boxes_without_area_suppress_nothing() -> None:
    boxes = np.array([[5, 5, 5, 5], [5, 5, 5, 5]], np.float32)
    assert len(nms(boxes, np.array([0.9, 0.8], np.float32), 0.5)) == 2


def test_iou_is_a_table_of_every_pair() -> None:
    one = np.array([[0, 0, 10, 10]], np.float32)
    other = np.array([[0, 0, 10, 10], [5, 0, 15, 10], [20, 20, 30, 30]], np.float32)
    np.testing.assert_allclose(iou(one, other), [[1, 1 / 3, 0]])
