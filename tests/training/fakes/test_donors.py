"""Who may lend a face to whom."""

from __future__ import annotations

import numpy as np
import pytest

from tests.training.portraits import drawn_portrait
from training.fakes.donors import Donors, features_of
from training.portrait import Portrait


def test_a_donor_is_never_of_the_same_group() -> None:
    rng = np.random.default_rng(0)
    groups = [f"group {index // 3}" for index in range(60)]
    donors = Donors(rng.normal(size=(60, 6)).astype(np.float32), groups)
    for index in range(60):
        assert groups[donors.choose(index, rng)] != groups[index]


def test_donors_are_alike() -> None:
    rng = np.random.default_rng(1)
    features = np.zeros((4000, 6), np.float32)
    features[:, 0] = rng.uniform(-1, 1, 4000)
    donors = Donors(features, [str(index) for index in range(4000)])
    apart = [abs(features[donors.choose(i, rng), 0] - features[i, 0]) for i in range(200)]
    assert np.median(apart) < 0.1  # two random faces are 0.6 apart


def test_a_face_alone_is_its_own_donor() -> None:
    donors = Donors(np.zeros((2, 6), np.float32), ["same", "same"])
    assert donors.choose(1, np.random.default_rng(0)) == 1


def test_features_tell_roll_and_tone() -> None:
    upright = drawn_portrait(0)
    centre = upright.landmarks.mean(axis=0)
    angle = np.deg2rad(20)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    turned = Portrait(
        upright.pixels, ((upright.landmarks - centre) @ turn.T + centre).astype(np.float32)
    )
    darker = Portrait(upright.pixels // 2, upright.landmarks)
    roll = features_of(turned)[0] - features_of(upright)[0]
    assert roll == pytest.approx(angle, abs=1e-3)
    np.testing.assert_allclose(features_of(turned)[1:3], features_of(upright)[1:3], atol=1e-3)
    assert features_of(darker)[3] < features_of(upright)[3] - 10
