"""The face in a crop: the central one, at its place, however tight the crop."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from stream.config import REPOSITORY
from stream.faces.cascade import Cascade
from stream.types import FaceDetection, Pixels
from tests.training.sample_data import drawn_face
from training.landmarks import find_face, opened_cascade


class Scripted(Cascade):
    """Answers each look with the next list of faces, in pixels of the padded picture."""

    def __init__(self, *answers: Sequence[FaceDetection]) -> None:
        self.answers = list(answers)
        self.sizes: list[tuple[int, int]] = []

    def detect(self, pixels: Pixels) -> list[FaceDetection]:
        self.sizes.append(pixels.shape[:2])
        return list(self.answers.pop(0))


def face(x: float, y: float, side: float, confidence: float) -> FaceDetection:
    box = np.array([x - side / 2, y - side / 2, x + side / 2, y + side / 2], np.float32)
    return FaceDetection(box, np.full((5, 2), (x, y), np.float32), confidence)


CROP = np.zeros((100, 200, 3), np.uint8)
"""Seen at 448 x 224 with 56 px around: 560 x 336, its middle at (280, 168)."""


def test_the_answer_is_in_shares_of_width_and_height() -> None:
    seen = Scripted([face(280, 168, 224, 1.0)])
    found = find_face(CROP, seen)
    assert found is not None
    np.testing.assert_allclose(found.landmarks, np.full((5, 2), 0.5))
    np.testing.assert_allclose(found.box, [0.25, 0, 0.75, 1])
    assert seen.sizes == [(336, 560)]


def test_a_face_at_the_edge_is_not_the_crops_and_the_larger_of_two_is() -> None:
    seen = Scripted([face(60, 168, 200, 1.0), face(280, 168, 100, 1.0), face(290, 168, 150, 1.0)])
    found = find_face(CROP, seen)
    assert found is not None
    assert found.landmarks[0, 0] == pytest.approx((290 - 56) / 448)


def test_the_surer_of_two_paddings_is_kept() -> None:
    for first, second in ((0.8, 0.9), (0.9, 0.8)):
        found = find_face(
            CROP, Scripted([face(280, 168, 100, first)], [face(300, 168, 100, second)])
        )
        assert found is not None
        assert found.confidence == 0.9


@pytest.fixture(scope="module")
def cascade() -> object:
    with opened_cascade(REPOSITORY / "weights") as opened:
        yield opened


def test_a_picture_without_a_face_has_none(cascade: Cascade) -> None:
    assert find_face(np.full((64, 64, 3), 128, np.uint8), cascade) is None
    assert find_face(drawn_face(1, True), cascade) is None
