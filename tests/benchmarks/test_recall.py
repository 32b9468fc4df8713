"""Recall: which faces of another detector are asked for, and when one is found."""

from __future__ import annotations

import math

import pytest

from benchmarks.recall import Recall, recall_of

FACE = [100.0, 100.0, 200.0, 200.0]
OTHER = [300.0, 100.0, 380.0, 200.0]


@pytest.mark.parametrize(
    ("ours", "found"),
    [([FACE], 1), ([OTHER, FACE], 1), ([OTHER], 0), ([], 0), ([[100.0, 100.0, 200.0, 151.0]], 1),
     ([[100.0, 100.0, 200.0, 149.0]], 0)],
    ids=["same", "one of two", "elsewhere", "none", "just over half", "just under"],
)  # fmt: skip
def test_a_face_is_found_by_a_box_that_covers_half(ours: list[list[float]], found: int) -> None:
    result = Recall()
    result.add(7, [FACE], [0.99], ours)
    assert (result.wanted, result.found, result.missed) == (1, found, [7] * (1 - found))


def test_small_and_unsure_faces_are_not_asked_for() -> None:
    result = Recall()
    small = [10.0, 10.0, 49.0, 49.0]
    result.add(0, [small, FACE], [0.99, 0.89], [])
    result.add(1, [], [], [FACE])
    assert result.wanted == 0
    assert math.isnan(result.share)


def test_frames_are_matched_by_their_number() -> None:
    looks = [
        {"frame": 3, "boxes": [FACE, OTHER], "confidences": [0.99, 0.95]},
        {"frame": 9, "boxes": [FACE], "confidences": [0.99]},
    ]
    result = recall_of(looks, {3: [FACE, OTHER], 8: [FACE]})
    assert (result.wanted, result.found, result.missed) == (3, 2, [9])
    assert result.share == pytest.approx(2 / 3)
