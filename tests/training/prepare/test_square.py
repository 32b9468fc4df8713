"""The stored square: nothing resampled, nothing enlarged."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from stream.types import FaceDetection
from tests.training.prepare.samples import noise
from training.crops import Pixels, read_picture
from training.prepare.settings import Settings
from training.prepare.square import cut_square, encode_square

PICTURE: Pixels = np.random.default_rng(1).integers(0, 256, (200, 300, 3), np.uint8)


def face(*box: float) -> FaceDetection:
    x1, y1, x2, y2 = box
    points = [[x1, y1], [x2, y1], [(x1 + x2) / 2, (y1 + y2) / 2], [x1, y2], [x2, y2]]
    return FaceDetection(np.array(box, np.float32), np.array(points, np.float32), 1.0)


def test_the_square_is_the_pictures_own_pixels() -> None:
    square, landmarks = cut_square(PICTURE, face(100, 60, 150, 110), Settings(margin=1.6))
    np.testing.assert_array_equal(square, PICTURE[45:125, 85:165])
    np.testing.assert_allclose(landmarks[2], 0.5)
    np.testing.assert_allclose(landmarks[0], 15 / 80)


@pytest.mark.parametrize("aside", [0.1, 0.37, 0.5, 0.9])
def test_a_box_between_pixels_is_not_resampled(aside: float) -> None:
    found = face(100 + aside, 60 + aside, 140.3 + aside, 110.7 + aside)
    square, landmarks = cut_square(PICTURE, found, Settings(margin=1.5))
    side = square.shape[0]
    assert side == round(1.5 * 50.7)
    ((top, left),) = (
        (y, x)
        for y in range(60)
        for x in range(90)
        if np.array_equal(PICTURE[y : y + side, x : x + side], square)
    )
    np.testing.assert_allclose(
        landmarks * side + (left, top), found.landmarks_px, atol=1e-3
    )  # the landmarks stay where they are, to the last fraction


def test_beyond_the_picture_is_its_reflection() -> None:
    square, _ = cut_square(PICTURE, face(0, 0, 40, 40), Settings(margin=2))
    np.testing.assert_array_equal(square[20:, 20:], PICTURE[:60, :60])
    np.testing.assert_array_equal(square[:20, 20:], PICTURE[20:0:-1, :60])


def test_a_large_face_is_reduced_and_a_small_one_not_enlarged() -> None:
    large, landmarks = cut_square(PICTURE, face(50, 0, 150, 100), Settings(margin=2, most_px=100))
    assert large.shape == (100, 100, 3)
    np.testing.assert_allclose(landmarks[2], 0.5)
    small, _ = cut_square(PICTURE, face(50, 50, 70, 70), Settings(margin=2))
    assert small.shape == (40, 40, 3)


def test_png_loses_nothing_and_jpeg_little() -> None:
    picture = cv2.GaussianBlur(noise(5), (0, 0), 3).astype(np.uint8)
    exact = read_picture(encode_square(picture, Settings(picture="png")))
    np.testing.assert_array_equal(exact, picture)
    encoded = encode_square(picture, Settings())
    assert encoded.startswith(b"\xff\xd8")
    assert np.abs(read_picture(encoded).astype(int) - picture).max() <= 12
