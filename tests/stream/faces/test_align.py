"""Faces -> square crops."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from engines.spec import CropGeometry
from stream.faces.align import crop_faces, frame_from_crop

Pixels = NDArray[np.uint8]
LANDMARKS = np.array([[[90, 80], [130, 80], [110, 100], [95, 120], [125, 120]]], np.float32)


def box(x1: float, y1: float, x2: float, y2: float) -> NDArray[np.float32]:
    return np.array([[x1, y1, x2, y2]], np.float32)


def picture(height: int = 240, width: int = 320) -> Pixels:
    """A smooth picture whose red and green tell the place."""
    y, x = np.mgrid[:height, :width]
    return np.stack([x * 255 / width, y * 255 / height, 0 * x + 128], 2).astype(np.uint8)


def mapped(affine: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    return points @ affine[:, :2].T + affine[:, 2]


def test_a_box_of_the_crops_size_is_copied_exactly() -> None:
    frame = np.random.default_rng(0).integers(0, 256, (100, 120, 3), np.uint8)
    crops, affine = crop_faces(frame, box(20, 10, 84, 74), LANDMARKS, CropGeometry(64, 1.0))
    assert crops.dtype == np.uint8
    np.testing.assert_array_equal(crops[0], frame[10:74, 20:84])
    np.testing.assert_allclose(affine[0], [[1, 0, 20], [0, 1, 10]])


@pytest.mark.parametrize("rotate", [False, True])
def test_the_square_is_centred_on_the_box_and_scaled_by_its_longer_side(rotate: bool) -> None:
    geometry = CropGeometry(50, 1.2, rotate)
    _, affine = crop_faces(picture(), box(80, 60, 140, 160), LANDMARKS, geometry)
    np.testing.assert_allclose(mapped(affine[0], np.array([[25, 25]]))[0], [110, 110])
    np.testing.assert_allclose(np.linalg.norm(affine[0][:, 0]) * 50, 1.2 * 100)


def test_a_shift_moves_the_square_down_by_a_share_of_its_side() -> None:
    geometry = CropGeometry(50, 1.2, shift_down=0.1)
    _, affine = crop_faces(picture(), box(80, 60, 140, 160), LANDMARKS, geometry)
    np.testing.assert_allclose(mapped(affine[0], np.array([[25, 25]]))[0], [110, 110 + 12])
    np.testing.assert_allclose(mapped(affine[0], np.array([[25, 20]]))[0], [110, 110])


def test_a_shift_goes_down_the_face_and_not_the_picture_when_crops_turn() -> None:
    lying = LANDMARKS.copy()
    lying[0, :2] = [[110, 90], [110, 130]]  # the eyes stand one below the other: chin to the left
    geometry = CropGeometry(50, 1.2, True, 0.1)
    _, affine = crop_faces(picture(), box(80, 60, 140, 160), lying, geometry)
    np.testing.assert_allclose(mapped(affine[0], np.array([[25, 25]]))[0], [110 - 12, 110])


@pytest.mark.parametrize("rotate", [False, True])
def test_a_crop_follows_the_landmarks_across_the_face_and_not_along_it(rotate: bool) -> None:
    aside = LANDMARKS.copy()
    aside[0] += [110, 90] - aside[0].mean(axis=0) + [30, 17]
    aside[0, 1, 1] = aside[0, 0, 1]  # level eyes
    aside[0, 4, 0] += 5 * 140 - aside[0, :, 0].sum()  # 30 px right of the box's middle
    geometry = CropGeometry(50, 1.2, rotate, to_landmarks=0.8)
    _, affine = crop_faces(picture(), box(80, 40, 140, 140), aside, geometry)
    np.testing.assert_allclose(mapped(affine[0], np.array([[25, 25]]))[0], [110 + 24, 90])


def test_across_the_face_is_down_the_picture_where_a_head_lies() -> None:
    lying = LANDMARKS.copy()
    lying[0] = [[120, 90], [120, 130], [110, 120], [100, 100], [100, 135]]  # y is 115 on average
    geometry = CropGeometry(50, 1.2, True, to_landmarks=0.5)
    _, affine = crop_faces(picture(), box(80, 60, 140, 160), lying, geometry)
    np.testing.assert_allclose(mapped(affine[0], np.array([[25, 25]]))[0], [110, 112.5])


def test_the_eyes_become_level() -> None:
    tilted = LANDMARKS.copy()
    tilted[0, 1] = [120, 110]  # 45 degrees down from the first
    _, affine = crop_faces(picture(), box(80, 60, 140, 160), tilted, CropGeometry(64, 1.0, True))
    to_crop = np.linalg.inv(np.vstack([affine[0], [0, 0, 1]]))[:2]
    eyes = mapped(to_crop, tilted[0, :2].astype(np.float64))
    assert eyes[0, 1] == pytest.approx(eyes[1, 1])
    assert eyes[0, 0] < eyes[1, 0]


@pytest.mark.parametrize(("rotate", "shift"), [(False, 0.0), (True, 0.0), (True, 0.08)])
def test_a_crops_pixels_are_those_that_the_affine_names(rotate: bool, shift: float) -> None:
    frame = picture()
    tilted = LANDMARKS.copy()
    tilted[0, 1, 1] += 15
    crops, affine = crop_faces(
        frame, box(100.3, 70.6, 160.1, 150.9), tilted, CropGeometry(32, 1.1, rotate, shift)
    )
    y, x = np.mgrid[2:30, 2:30]
    places = mapped(affine[0], np.stack([x + 0.5, y + 0.5], 2).reshape(-1, 2).astype(np.float64))
    expected = (places - 0.5) * np.array([255 / 320, 255 / 240])
    actual = crops[0][2:30, 2:30, :2].reshape(-1, 2)
    assert np.abs(actual - expected).max() < 1.5


def test_fine_stripes_average_instead_of_aliasing() -> None:
    frame = np.zeros((400, 400, 3), np.uint8)
    frame[:, ::2] = 200
    crops, _ = crop_faces(frame, box(0, 0, 400, 400), LANDMARKS, CropGeometry(75, 1.0))
    assert np.abs(crops[0, 2:-2, 2:-2].astype(int) - 100).max() <= 22  # 5.33 columns to a pixel
    crops, _ = crop_faces(frame, box(0, 0, 400, 400), LANDMARKS, CropGeometry(100, 1.0))
    assert np.abs(crops[0].astype(int) - 100).max() <= 1  # 4 columns: the stripes cancel


def test_the_border_is_reflected() -> None:
    frame = picture(100, 100)
    crops, affine = crop_faces(frame, box(-50, 20, 50, 80), LANDMARKS, CropGeometry(100, 1.0))
    np.testing.assert_allclose(affine[0][:, 2], [-50, 0])
    np.testing.assert_array_equal(crops[0][:, 10], frame[:, 40])  # 40 left of column 0
    np.testing.assert_array_equal(crops[0][:, 60], frame[:, 10])


def test_no_faces_give_no_crops() -> None:
    none = np.empty((0, 4), np.float32)
    crops, affine = crop_faces(picture(), none, np.empty((0, 5, 2), np.float32), CropGeometry(8, 1))
    assert crops.shape == (0, 8, 8, 3)
    assert affine.shape == (0, 2, 3)


@pytest.mark.parametrize("wrong", [(5, 5, 5, 9), (9, 5, 5, 9), (0, 0, float("nan"), 3)])
def test_a_box_without_area_is_refused(wrong: tuple[float, float, float, float]) -> None:
    with pytest.raises(ValueError, match="face box"):
        frame_from_crop(box(*wrong)[0], LANDMARKS[0], CropGeometry(8, 1.0))


def test_landmarks_that_are_not_finite_are_refused_where_they_place_the_crop() -> None:
    lost = np.full((5, 2), np.nan, np.float32)
    frame_from_crop(box(0, 0, 9, 9)[0], lost, CropGeometry(8, 1.0))
    with pytest.raises(ValueError, match="landmarks"):
        frame_from_crop(box(0, 0, 9, 9)[0], lost, CropGeometry(8, 1.0, to_landmarks=0.5))
