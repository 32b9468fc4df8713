"""How a head moves through a clip."""

from __future__ import annotations

import numpy as np

from tests.training.channel.pictures import textured
from training.channel.walk import Walk, moved


def test_a_walk_ends_where_the_picture_belongs() -> None:
    for seed in range(20):
        matrices = Walk(5, 2.0, 0.01).matrices(96, np.random.default_rng(seed))
        assert len(matrices) == 5
        assert np.array_equal(matrices[-1], np.eye(2, 3))
        assert not np.allclose(matrices[0], np.eye(2, 3))


def test_steps_have_the_size_that_was_asked_for() -> None:
    steps = []
    for seed in range(200):
        matrices = Walk(6, 1.5, 0.0).matrices(96, np.random.default_rng(seed))
        steps += list(np.diff([matrix[:, 2] for matrix in matrices], axis=0))
    assert 1.2 < np.std(steps) < 1.8


def test_a_zoom_leaves_the_middle_in_its_place() -> None:
    middle = np.array([47.5, 47.5, 1])
    for matrix in Walk(6, 0.0, 0.05).matrices(96, np.random.default_rng(1)):
        assert np.allclose(matrix @ middle, 47.5)


def test_the_identity_moves_nothing_and_a_shift_shifts() -> None:
    picture = textured(0, 64)
    assert np.array_equal(moved(picture, np.eye(2, 3)), picture)
    shifted = moved(picture, np.array([[1, 0, 3.0], [0, 1, -2.0]]))
    assert np.array_equal(shifted[:-2, 3:], picture[2:, :-3])
