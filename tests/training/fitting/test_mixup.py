"""Mixing a fake with the real that it was made from."""

from __future__ import annotations

import numpy as np
import pytest

from training.examples import Batch
from training.fitting.mixup import mix_pairs

pytestmark = pytest.mark.torch


def batch(paired: list[bool]) -> Batch:
    half = len(paired)
    pixels = np.repeat(np.array([50, 200], np.uint8), half)[:, None, None, None]
    return Batch(
        pixels=np.broadcast_to(pixels, (2 * half, 32, 32, 3)).copy(),
        fake=np.repeat(np.array([0, 1], np.float32), half),
        masks=np.repeat(np.array([0, 0.5], np.float32), half)[:, None, None]
        * np.ones((1, 2, 2), np.float32),
        masked=np.ones(2 * half, bool),
        paired=np.array(paired),
    )


def test_pixels_label_and_mask_follow_one_ratio() -> None:
    mixed = mix_pairs(batch([True] * 8), 1.0, np.random.default_rng(0))
    ratios = mixed.fake[8:]
    assert len(set(ratios.tolist())) == 8
    np.testing.assert_allclose(mixed.pixels[8:, 0, 0, 0], 50 + 150 * ratios, atol=0.51)
    np.testing.assert_allclose(mixed.masks[8:, 0, 0], 0.5 * ratios, rtol=1e-5)
    np.testing.assert_array_equal(mixed.pixels[:8], 50)
    np.testing.assert_array_equal(mixed.fake[:8], 0)


def test_what_is_no_aligned_pair_is_left_alone() -> None:
    given = batch([False, True, False, True])
    mixed = mix_pairs(given, 1.0, np.random.default_rng(0))
    assert (mixed.fake[4:] == 1).tolist() == [True, False, True, False]
    np.testing.assert_array_equal(mixed.pixels[4], 200)
    assert (given.pixels[4:] == 200).all()


def test_the_share_is_that_of_the_pairs() -> None:
    mixed = mix_pairs(batch([True] * 1000), 0.3, np.random.default_rng(0))
    assert 0.25 < (mixed.fake[1000:] < 1).mean() < 0.35


def test_no_share_changes_nothing() -> None:
    given = batch([True] * 4)
    assert mix_pairs(given, 0.0, np.random.default_rng(0)) is given
