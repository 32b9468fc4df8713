"""A picture as one frame of a coded clip."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from tests.training.channel.pictures import textured
from training.channel.codec import h264_at_quality
from training.channel.rate import H264AtQuality, H264AtRate, Vp8AtRate
from training.channel.video import EncoderFor, Lost, Video
from training.channel.walk import Walk

WALK = Walk(4, 1.0)
CODECS: list[EncoderFor] = [
    H264AtQuality(20, 25, "veryfast"),
    H264AtRate(0.3, 25, "superfast"),
    Vp8AtRate(0.3, 25, 6, resilient=True),
]


def rng() -> np.random.Generator:
    return np.random.default_rng(3)


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("phase", [(0, 0), (5, 2), (15, 15)])
@pytest.mark.parametrize("shape", [(48, 48), (61, 61), (64, 51)])
def test_the_picture_comes_back_in_its_place(
    codec: EncoderFor, phase: tuple[int, int], shape: tuple[int, int]
) -> None:
    picture = textured(0, 64)[: shape[0], : shape[1]]
    shown = Video(codec, WALK, phase)(picture, rng())
    assert shown.shape == picture.shape
    apart = [
        cv2.PSNR(picture[2:-2, 2:-2], np.roll(shown, (y, x), (0, 1))[2:-2, 2:-2])
        for y, x in ((0, 0), (0, 1), (0, -1), (1, 0), (-1, 0))
    ]
    assert apart[0] == max(apart)


def test_nothing_but_the_codec_touches_the_frame_that_comes_back() -> None:
    """At quality 1 a walk costs no more than colour at half the size does."""
    picture = textured(1, 96)
    lossless = Video(lambda _: h264_at_quality(1), Walk(4, 2.0))(picture, rng())
    i420 = cv2.cvtColor(picture, cv2.COLOR_RGB2YUV_I420)
    converted = cv2.cvtColor(i420, cv2.COLOR_YUV2RGB_I420)
    assert cv2.PSNR(converted, lossless) > 40


def test_lost_rows_show_the_frame_before_and_the_rest_is_untouched() -> None:
    picture = textured(2, 96)
    video = Video(H264AtQuality(20, 25, "veryfast"), Walk(4, 3.0))
    whole = video(picture, rng())
    torn = replace(video, lost=Lost(row=0.5, rows=1 / 6))(picture, rng())
    assert np.array_equal(whole[:48], torn[:48])
    assert np.array_equal(whole[64:], torn[64:])
    assert cv2.PSNR(whole[48:64], torn[48:64]) < 30


@pytest.mark.parametrize("at", [0.0, 0.999])
def test_rows_are_lost_at_either_end(at: float) -> None:
    video = Video(H264AtQuality(20, 25, "veryfast"), WALK, lost=Lost(at, 0.01))
    assert video(textured(2, 40), rng()).shape == (40, 40, 3)
