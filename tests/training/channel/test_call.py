"""A crop as the face in a call."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from tests.training.channel.pictures import textured
from training.channel.call import FPS, FRAMES, shown_in_call
from training.channel.codec import h264_at_quality
from training.channel.levels import call_encoder


@pytest.mark.parametrize("side", [133, 224])
def test_the_face_is_cut_out_where_it_was_put_in(side: int) -> None:
    picture = textured(0, side)
    picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), 2), np.uint8)
    shown = shown_in_call(picture, h264_at_quality(5, "ultrafast"), np.random.default_rng(0))
    assert shown.pixels.shape == picture.shape
    apart = [
        cv2.PSNR(picture[2:-2, 2:-2], np.roll(shown.pixels, (y, x), (0, 1))[2:-2, 2:-2])
        for y, x in ((0, 0), (0, 1), (0, -1), (1, 0), (-1, 0))
    ]
    assert apart[0] == max(apart)
    assert apart[0] > 36


@pytest.mark.parametrize("kind", ["vp8", "h264"])
@pytest.mark.parametrize("kbit_per_s", [1000, 80])
def test_a_call_keeps_the_rate_that_was_asked_for(kind: str, kbit_per_s: int) -> None:
    coded = shown_in_call(
        textured(1, 180), call_encoder(kind, kbit_per_s), np.random.default_rng(1)
    ).coded
    half = FRAMES // 2  # the second half: at first a codec feels its way, or pays for frame 1
    spent = sum(coded.bytes[-half:]) * 8 * FPS / half / 1000
    assert spent == pytest.approx(kbit_per_s, rel=0.2)
    whole = sum(coded.bytes) * 8 * FPS / FRAMES / 1000
    assert whole == pytest.approx(kbit_per_s, rel=0.25)
