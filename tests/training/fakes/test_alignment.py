"""Aligning two faces by their landmarks."""

from __future__ import annotations

import numpy as np
import pytest

from training.fakes.alignment import SCALES, similarity

FACE = np.array([[40, 50], [88, 50], [64, 76], [46, 98], [82, 98]], np.float32)


def test_scale_turn_and_shift_are_found() -> None:
    turn = 1.5 * np.exp(0.4j)
    linear = np.array([[turn.real, -turn.imag], [turn.imag, turn.real]])
    target = (FACE @ linear.T + (7, -3)).astype(np.float32)
    np.testing.assert_allclose(similarity(FACE, target), np.c_[linear, [7, -3]], atol=1e-4)


@pytest.mark.parametrize("spread", [0, 1e-30, 1e-6, 1e-3])
def test_points_that_fall_into_one_keep_a_scale_that_can_be_drawn(spread: float) -> None:
    point = (64 + spread * (FACE - FACE.mean(0))).astype(np.float32)
    for source, target in ((FACE, point), (point, FACE), (point, point)):
        matrix = similarity(source, target)
        assert np.isfinite(matrix).all()
        scale = np.hypot(*matrix[:, 0])
        assert SCALES[0] - 1e-9 <= scale <= SCALES[1] + 1e-9
        np.testing.assert_allclose(
            matrix[:, :2] @ source.mean(0) + matrix[:, 2], target.mean(0), rtol=1e-5
        )
