"""Footage made of stills."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from engines.spec import CropGeometry
from training.calibration.footage import Still, film, single
from training.channel import Channel, sample
from training.channel.scale import Scale

GEOMETRY = CropGeometry(size_px=224, crop_scale=1.3)


@pytest.fixture(scope="module")
def still() -> Still:
    """A textured head of 200 px with a dark dot at each landmark, in a picture of 400."""
    rng = np.random.default_rng(0)
    ground = cv2.resize(rng.integers(90, 160, (60, 60, 3)).astype(np.uint8), (400, 400))
    points = np.array([(160, 170), (240, 170), (200, 215), (170, 255), (230, 255)], np.float32)
    cv2.circle(ground, (200, 200), 100, (200, 170, 150), -1)
    noise = rng.normal(0, 12, ground.shape)
    ground = np.clip(ground + noise, 0, 255).astype(np.uint8)
    for x, y in points.astype(int).tolist():
        cv2.circle(ground, (x, y), 8, (20, 20, 20), -1)
    box = np.array([100, 100, 300, 300], np.float32)
    return Still(np.asarray(ground, np.uint8), box, points)


def test_ten_seconds_are_forty_crops_of_the_models_size(still: Still) -> None:
    shots = film(still, GEOMETRY, 10, np.random.default_rng(1))
    assert shots.crops.shape == (40, 224, 224, 3)
    assert shots.weights.shape == (40,)
    assert shots.weights.max() > 0.3


def test_the_same_seed_films_the_same_and_another_does_not(still: Still) -> None:
    first, second, other = (film(still, GEOMETRY, 1, np.random.default_rng(k)) for k in (1, 1, 2))
    assert np.array_equal(first.crops, second.crops)
    assert np.array_equal(first.weights, second.weights)
    assert not np.array_equal(first.crops, other.crops)


def test_the_face_stays_in_its_place_while_it_moves(still: Still) -> None:
    """The eyes, two dark dots, are found near where an untouched crop has them."""
    plain, _ = single(still, GEOMETRY, Channel(None, (), 0))
    shots = film(still, GEOMETRY, 3, np.random.default_rng(3))
    wanted = eyes(plain)
    found = np.array([eyes(crop) for crop in shots.crops])
    assert np.abs(found - wanted).max() < 40
    assert np.abs(found.mean(0) - wanted).max() < 20
    assert found.std(0).max() > 0.5, "it moves"


def test_nothing_of_the_footage_is_a_black_border(still: Still) -> None:
    for seed in range(2):
        shots = film(still, CropGeometry(224, 1.9), 1, np.random.default_rng(seed))
        edges = np.concatenate([shots.crops[:, 0].ravel(), shots.crops[:, -1].ravel()])
        assert (edges < 10).mean() < 0.01


def test_a_crop_seen_from_further_away_weighs_less(still: Still) -> None:
    near, far = (single(still, GEOMETRY, Channel(Scale(share), (), 0))[1] for share in (1.0, 0.2))
    assert near > 0.9
    assert far < 0.2


def test_an_untouched_crop_is_the_cut_alone(still: Still) -> None:
    none = sample(np.random.default_rng(0), "none")
    crop, weight = single(still, GEOMETRY, none)
    assert crop.shape == (224, 224, 3)
    assert weight > 0.9


def test_a_mirrored_face_has_its_left_eye_on_the_left(still: Still) -> None:
    turned = Still(still.pixels, still.box_px + 30, still.landmarks_px + 30).mirrored()
    left, right, nose, *_ = turned.landmarks_px.tolist()
    assert left[0] < nose[0] < right[0]
    assert turned.box_px.tolist() == [70, 130, 270, 330]
    again = turned.mirrored()
    assert np.array_equal(again.landmarks_px, still.landmarks_px + 30)
    assert np.array_equal(again.pixels, still.pixels)


def eyes(crop: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> tuple[float, float]:
    """The middle of what is dark in the upper half."""
    grey = cv2.GaussianBlur(crop.astype(np.float32).mean(2), (0, 0), 3)
    rows, columns = np.nonzero(grey[:112] < 70)
    return float(rows.mean()), float(columns.mean())
