"""JPEG."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from tests.training.channel.pictures import textured
from training.channel.still import CHROMA, Jpeg

RNG = np.random.default_rng(0)


def test_lower_quality_costs_more() -> None:
    picture = textured(0)
    losses = [cv2.PSNR(picture, Jpeg(quality)(picture, RNG)) for quality in (95, 75, 50, 30, 10)]
    assert losses == sorted(losses, reverse=True)
    assert losses[0] - losses[-1] > 8


def test_colours_stay_in_their_places() -> None:
    picture = np.zeros((32, 32, 3), np.uint8)
    picture[..., 0] = 200
    assert np.abs(Jpeg(95)(picture, RNG).astype(int) - picture).max() < 8


@pytest.mark.parametrize("phase", [(0, 0), (1, 0), (7, 13), (15, 15)])
@pytest.mark.parametrize("shape", [(48, 48), (61, 75)])
def test_the_picture_stays_in_its_place_for_any_place_in_the_grid(
    phase: tuple[int, int], shape: tuple[int, int]
) -> None:
    picture = textured(1, 80)[: shape[0], : shape[1]]
    coded = Jpeg(90, phase)(picture, RNG)
    assert coded.shape == picture.shape
    assert cv2.PSNR(picture, coded) > 30


def test_blocks_lie_where_the_phase_puts_them() -> None:
    picture = textured(2, 96)
    for left in (0, 3, 6):
        coded = Jpeg(10, (left, 0))(picture, RNG)[..., 1].astype(float)
        steps = np.abs(np.diff(coded, axis=1)).mean(axis=0)
        phase = max(range(8), key=lambda at: steps[at::8].mean())
        assert (phase + 1 + left) % 8 == 0


def test_chroma_at_full_size_keeps_fine_colour() -> None:
    picture = np.full((64, 64, 3), 120, np.uint8)
    picture[:, ::2, 0] = 200
    small, wide, full = (
        cv2.PSNR(picture, Jpeg(90, chroma=chroma)(picture, RNG)) for chroma in CHROMA
    )
    assert full > max(small, wide) + 3
