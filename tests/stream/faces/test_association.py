"""Association: one detection for one face, the most alike first."""

from __future__ import annotations

import numpy as np
import pytest

from stream.faces.association import Faces, associate, distinct
from stream.types import FaceDetection
from tests.builders import detection


def face(x: float, y: float = 100.0, side: float = 80.0, confidence: float = 0.99) -> FaceDetection:
    """A face whose box has its middle at (x, y)."""
    half = side / 2
    return detection((x - half, y - half, x + half, y + half), confidence)


def pairs_of(
    expected: list[FaceDetection], found: list[FaceDetection], unseen_s: list[float] | None = None
) -> dict[int, int]:
    return associate(Faces(expected), np.array(unseen_s or [0.0] * len(expected)), found)


@pytest.mark.parametrize(
    ("expected", "found", "pairs"),
    [
        ([], [], {}),
        ([face(100)], [], {}),
        ([], [face(100)], {}),
        ([face(100)], [face(105)], {0: 0}),
        ([face(100), face(300)], [face(302), face(99)], {0: 1, 1: 0}),
        ([face(100)], [face(400)], {}),
        ([face(100)], [face(100, side=170)], {}),
        ([face(100)], [face(110), face(101)], {0: 1}),
        ([face(100), face(110)], [face(104)], {0: 0}),
    ],
    ids=[
        "nobody expected or found",
        "nobody found",
        "nobody expected",
        "a step away",
        "each the nearest",
        "too far",
        "twice the size",
        "the nearer of two",
        "one face for one track",
    ],
)
def test_pairs(
    expected: list[FaceDetection], found: list[FaceDetection], pairs: dict[int, int]
) -> None:
    assert pairs_of(expected, found) == pairs


def test_reach_grows_while_a_face_is_out_of_sight() -> None:
    far = face(100 + 0.7 * 80)
    assert pairs_of([face(100)], [far], [0.0]) == {}
    assert pairs_of([face(100)], [far], [0.6]) == {0: 0}
    assert pairs_of([face(100)], [face(100 + 1.1 * 80)], [60.0]) == {}


def test_a_face_in_sight_has_the_better_claim() -> None:
    assert pairs_of([face(100), face(106)], [face(104)], [0.5, 0.0]) == {1: 0}
    assert pairs_of([face(100), face(108)], [face(102)], [0.0, 0.5]) == {0: 0}


def test_shifts_move_boxes_and_landmarks_alike() -> None:
    moved = Faces([face(100)], np.array([[7, -3]], np.float32))
    there = Faces([face(107, 97)])
    np.testing.assert_allclose(moved.boxes, there.boxes)
    np.testing.assert_allclose(moved.landmarks, there.landmarks)


def test_repeats_of_one_face_are_left_out() -> None:
    assert distinct([]) == []
    assert distinct([face(100), face(103), face(300), face(295)]) == [0, 2]


def test_a_head_before_another_is_not_the_same_face() -> None:
    assert distinct([face(100), face(100 + 0.5 * 80)]) == [0, 1]


def test_boxes_that_overlap_are_one_face_even_when_the_landmarks_disagree() -> None:
    one = face(100)
    odd = FaceDetection(one.box_px, one.landmarks_px + 50, 0.8)
    assert distinct([one, odd]) == [0]
