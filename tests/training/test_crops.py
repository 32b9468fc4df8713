"""From a stored crop to the network's input."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from engines.spec import CropGeometry
from tests.training.sample_data import drawn_face, write_data
from training.crops import GEOMETRY, Pixels, decode, landmarks_in_crop, portrait
from training.manifest import Face, load_faces


def stored(picture: Pixels, crop_scale: float, **more: Any) -> Face:
    done, data = cv2.imencode(".png", picture[..., ::-1])
    assert done
    return Face(data.tobytes(), False, "x", "g", "train", crop_scale, **more)


def test_dfdc_crops_are_taken_whole(tmp_path: Path) -> None:
    faces = load_faces(write_data(tmp_path, per_class=1), "train")
    whole = next(face for face in faces if face.source == "dfdc" and not face.fake)
    own_size = replace(GEOMETRY, size_px=64)
    np.testing.assert_array_equal(decode(whole, own_size), drawn_face(0, False))


def test_wider_crops_are_cut_to_the_same_geometry() -> None:
    picture = drawn_face(0, False)
    cut = decode(stored(picture, 1.6), CropGeometry(34, 0.85))  # 34 of 64 pixels: 0.85 of 1.6
    np.testing.assert_array_equal(cut, picture[15:49, 15:49])


def test_a_deployed_crop_that_reaches_lower_is_cut_lower() -> None:
    picture = drawn_face(0, False)
    cut = decode(stored(picture, 1.6), CropGeometry(34, 0.85, shift_down=3 / 34))
    np.testing.assert_array_equal(cut, picture[18:52, 15:49])


def test_landmarks_fall_on_the_same_points_of_the_crop() -> None:
    picture = np.zeros((120, 160, 3), np.uint8)
    points = np.array([[60, 40], [100, 44], [80, 60], [64, 76], [96, 78]], np.float32)
    for x, y in points.astype(int):
        picture[y - 1 : y + 2, x - 1 : x + 2] = 255  # centred on (x + 0.5, y + 0.5) as edges count
    shares = (points + 0.5) / np.array([160, 120], np.float32)
    for shift in (0.0, 0.1):
        face = stored(picture, 1.6, landmarks=shares, shift_down=shift)
        found = portrait(face, CropGeometry(200, 1.4))
        assert found is not None
        np.testing.assert_array_equal(found.pixels, decode(face, CropGeometry(200, 1.4)))
        _, _, _, centres = cv2.connectedComponentsWithStats(
            (found.pixels[..., 0] > 100).astype(np.uint8)
        )
        for point in found.landmarks:
            nearest = np.abs(centres[1:] + 0.5 - point).max(axis=1).min()
            assert nearest < 0.7


def test_a_face_without_landmarks_gives_none() -> None:
    face = stored(drawn_face(0, False), 1.6)
    assert portrait(face) is None
    assert landmarks_in_crop(face) is None


def test_a_crop_whose_centre_lies_below_the_faces_is_cut_higher() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (80, 80, 3), np.uint8)
    high = decode(stored(picture, 2.0, shift_down=0.1), CropGeometry(40, 1.0))
    np.testing.assert_array_equal(high, picture[12:52, 20:60])


def test_a_crop_that_followed_the_landmarks_is_kept_whole_by_a_geometry_that_does_too() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (80, 80, 3), np.uint8)
    turned = np.full((5, 2), 0.5, np.float32)
    turned[:, 0] += 0.05
    face = stored(picture, 0.85, landmarks=turned, shift_down=0.076, to_landmarks=0.8)
    both = CropGeometry(80, 0.85, shift_down=0.076, to_landmarks=0.8)
    np.testing.assert_array_equal(decode(face, both), picture)
    # Its box lies 4 x 0.05 of the side to the left, where a crop of the box alone would be.
    np.testing.assert_array_equal(
        decode(face, replace(both, to_landmarks=0.0))[:, 16:], picture[:, :-16]
    )


def test_a_face_without_landmarks_stays_where_it_was_cut() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (80, 80, 3), np.uint8)
    face = stored(picture, 0.85, to_landmarks=0.8)
    np.testing.assert_array_equal(decode(face, CropGeometry(80, 0.85, to_landmarks=0.8)), picture)


def test_bytes_that_are_no_picture_are_refused() -> None:
    for broken in (b"", b"not a picture"):
        with pytest.raises(ValueError, match="no picture"):
            decode(Face(broken, False, "x", "g", "train", 1.6))
