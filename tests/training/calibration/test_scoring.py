"""Everybody scored, by a model that is none."""

from __future__ import annotations

import numpy as np
import pytest

from engines.spec import AlarmModel, Calibration, CropGeometry
from training.calibration.faces import Person
from training.calibration.footage import Pixels, Still
from training.calibration.scoring import SINGLES, Scores, score_people
from training.metrics import Floats

POINTS = np.array([(70, 80), (130, 80), (100, 110), (75, 140), (125, 140)], np.float32)


class Brightness:
    """A model by which bright crops are fakes."""

    geometry = CropGeometry(size_px=64, crop_scale=1.0)

    def logits(self, crops: Pixels) -> Floats:
        assert crops.shape[1:] == (64, 64, 3)
        return np.asarray(crops.mean((1, 2, 3)) - 128.0, np.float64)

    def write(self, calibration: Calibration, alarm: AlarmModel) -> None:
        raise AssertionError("nobody asked for it")


@pytest.fixture(scope="module")
def people() -> list[Person]:
    rng = np.random.default_rng(0)
    found = []
    for index in range(6):
        fake = index % 2 == 1
        pixels = np.clip(rng.normal(190 if fake else 70, 20, (200, 200, 3)), 0, 255)
        box = np.array([20, 20, 180, 180], np.float32)
        still = Still(pixels.astype(np.uint8), box, POINTS)
        found.append(Person(still, fake, "drawn", f"g{index}"))
    return found


@pytest.fixture(scope="module")
def found(people: list[Person]) -> Scores:
    done: list[None] = []
    scores = score_people(people, Brightness(), 3.0, 1, 0, lambda: done.append(None))
    assert len(done) == len(people)
    return scores


def test_every_person_has_single_crops_and_footage(found: Scores) -> None:
    assert found.single_logits.shape == (6, SINGLES + 1)
    assert found.film_logits.shape == found.film_weights.shape == (6, 12)
    assert found.fake.tolist() == [False, True] * 3
    assert (found.film_logits[found.fake] > 0).all()
    assert (found.film_logits[~found.fake] < 0).all()


def test_threads_change_nothing(people: list[Person], found: Scores) -> None:
    three = score_people(people[:4], Brightness(), 3.0, 3, 0, lambda: None)
    assert np.array_equal(found.film_logits[:4], three.film_logits)
    assert np.array_equal(found.single_weights[:4], three.single_weights)


def test_only_crops_that_would_be_scored_calibrate(found: Scores) -> None:
    crops = found.crops()
    assert (crops.quality > 0).all()
    of_film = 2  # every 2.5 s of 3 s
    assert len(crops.logits) <= 6 * (SINGLES + 1 + of_film)
    assert set(crops.groups) <= {f"g{index}" for index in range(6)}
    assert ((crops.logits > 0) == crops.fake).mean() > 0.9
