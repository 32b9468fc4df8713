"""How tightly crops are cut."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from stream.faces.cascade import Cascade
from stream.types import FaceDetection
from training.margin import measure_margin


class Scripted(Cascade):
    """Finds the same faces in every picture."""

    def __init__(self, *faces: FaceDetection) -> None:
        self._faces = list(faces)
        self.borders: list[int] = []

    def detect(self, pixels: NDArray[np.uint8]) -> list[FaceDetection]:
        self.borders.append(int(pixels[0, 0, 0]))
        return self._faces


def face(x1: float, y1: float, x2: float, y2: float, confidence: float = 0.99) -> FaceDetection:
    box = np.array([x1, y1, x2, y2], np.float32)
    return FaceDetection(box, np.zeros((5, 2), np.float32), confidence)


CROPS = [np.full((200, 200, 3), 30, np.uint8)] * 3  # padded by 50 on each side


def test_scale_and_offset_are_those_of_the_box() -> None:
    cascade = Scripted(face(70, 50, 230, 210 + 40))
    found = measure_margin(CROPS, cascade)
    assert [margin.padding for margin in found] == ["reflection", "grey"]
    assert cascade.borders == [30] * 3 + [127] * 3
    assert found[0].faces == 3
    assert found[0].scale == (1.0, 1.0, 1.0)  # 200 over the box's height
    assert found[0].right == (0.0, 0.0, 0.0)
    assert found[0].down == (0.0, 0.0, 0.0)


def test_crops_that_follow_the_landmarks_sideways_are_told_from_those_that_follow_the_box() -> None:
    def measured(right: float) -> float:
        """Crops in whose middle the box is, or the landmarks of heads turned either way."""
        turned = [face(70 + side * right, 50, 230 + side * right, 210) for side in (-1, 0, 1)]
        for side, each in zip((-1, 0, 1), turned, strict=True):
            each.landmarks_px[:, 0] = 150 + side * (right - 20)
        cascades = iter(turned * 2)
        cascade = Scripted()
        cascade.detect = lambda pixels: [next(cascades)]  # type: ignore[method-assign]
        return measure_margin(CROPS, cascade)[0].to_landmarks

    assert measured(0) == pytest.approx(0)  # the landmarks wander, the box stays
    assert measured(20) == pytest.approx(1)  # the box wanders, the landmarks stay


def test_the_largest_central_confident_face_counts() -> None:
    cascade = Scripted(
        face(100, 100, 200, 200),
        face(0, 0, 90, 90),  # in the corner
        face(50, 50, 250, 250, confidence=0.8),
        face(70, 80, 230, 240),
    )
    found = measure_margin(CROPS, cascade)[0]
    assert found.scale[1] == pytest.approx(200 / 160)
    assert found.down[1] == pytest.approx(10 / 200)


def test_no_face_at_all_is_an_error() -> None:
    with pytest.raises(ValueError, match="no crop shows a face"):
        measure_margin(CROPS, Scripted())
