"""The movement that crops pass in training."""

from __future__ import annotations

import numpy as np
import pytest

from training.jitter import Jitter


@pytest.mark.parametrize("steady", [0.0, 1.0])
def test_mask_and_picture_move_together(steady: float) -> None:
    crop = np.zeros((64, 64, 3), np.uint8)
    crop[20:30, 36:48] = 255
    mask = np.asarray(crop[..., 0] / 255, np.float32)
    for seed in range(20):
        jitter = Jitter.sample(np.random.default_rng(seed), steady)
        moved, mask_after = jitter.apply(crop, mask, 48)
        assert mask_after is not None
        assert np.abs(moved[..., 0] / 255 - mask_after).mean() < 0.02


def test_one_jitter_moves_two_pictures_alike() -> None:
    jitter = Jitter.sample(np.random.default_rng(5), steady=0)
    crop = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    first, _ = jitter.apply(crop, None, 64)
    second, _ = jitter.apply(255 - crop, None, 64)
    assert np.abs(first.astype(int) + second - 255).max() <= 1


def test_half_of_all_crops_are_mirrored_and_the_steady_keep_their_pixels() -> None:
    crop = np.zeros((64, 64, 3), np.uint8)
    crop[:, 40:] = 255
    drawn = [Jitter.sample(np.random.default_rng(seed), steady=0.5) for seed in range(200)]
    assert 70 < sum(jitter.mirrored for jitter in drawn) < 130
    assert 70 < sum(jitter.steady for jitter in drawn) < 130
    kept = next(jitter for jitter in drawn if jitter.steady and not jitter.mirrored)
    np.testing.assert_array_equal(kept.apply(crop, None, 64)[0], crop)
    turned = next(jitter for jitter in drawn if jitter.steady and jitter.mirrored)
    np.testing.assert_array_equal(turned.apply(crop, None, 64)[0], crop[:, ::-1])


def test_movements_stay_within_their_bounds() -> None:
    crop = np.zeros((224, 224, 3), np.uint8)
    crop[100:124, 100:124] = 255
    for seed in range(50):
        moved, _ = Jitter.sample(np.random.default_rng(seed), steady=0).apply(crop, None, 224)
        rows, columns = np.nonzero(moved[..., 0] > 127)
        # Up to 8 % of 224 px in place, enlarged by at most 1 / 0.88.
        assert abs(rows.mean() - 111.5) < 22
        assert abs(columns.mean() - 111.5) < 22
        assert 21**2 < len(rows) < 29**2
