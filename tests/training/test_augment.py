"""The channel that crops pass in training."""

from __future__ import annotations

import numpy as np

from tests.training.sample_data import drawn_face
from training.augment import channel, encode, jitter


def test_mask_and_picture_move_together() -> None:
    crop = np.zeros((64, 64, 3), np.uint8)
    crop[20:30, 36:48] = 255
    for seed in range(20):
        mask = np.asarray(crop[..., 0] / 255, np.float32)
        moved, mask_after = jitter(crop, mask, 64, np.random.default_rng(seed))
        assert mask_after is not None
        assert np.abs(moved[..., 0] / 255 - mask_after).mean() < 0.02


def test_half_of_all_crops_are_mirrored_and_size_is_obeyed() -> None:
    crop = np.zeros((64, 64, 3), np.uint8)
    crop[:, 40:] = 255
    lefts = 0
    for seed in range(60):
        moved, mask = jitter(crop, None, 32, np.random.default_rng(seed))
        assert moved.shape == (32, 32, 3)
        assert mask is None
        lefts += int(moved[:, :16].mean() > moved[:, 16:].mean())
    assert 15 < lefts < 45


def test_the_channel_keeps_shape_and_type_and_leaves_some_untouched() -> None:
    crop = drawn_face(0, fake=True)
    results = [channel(crop, np.random.default_rng(seed)) for seed in range(60)]
    assert {result.shape for result in results} == {crop.shape}
    assert {result.dtype for result in results} == {np.dtype(np.uint8)}
    same = sum(np.array_equal(result, crop) for result in results)
    assert 15 < same < 45


def test_encoding_keeps_the_colours_in_their_places() -> None:
    crop = np.zeros((32, 32, 3), np.uint8)
    crop[..., 0] = 200
    assert np.abs(encode(crop, 95).astype(int) - crop).max() < 8
