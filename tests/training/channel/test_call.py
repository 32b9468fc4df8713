"""A crop as the face in a call."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise

import cv2
import numpy as np
import pytest

from tests.training.channel.pictures import textured
from training.channel import call
from training.channel.call import FPS, FRAMES, filmed_in_call, shown_in_call
from training.channel.codec import Encoder, Frame, Transcoded, h264_at_quality, transcode
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


def test_a_film_begins_with_the_crop_that_a_call_shows_and_goes_on_from_there() -> None:
    picture, encoder = textured(2, 120), call_encoder("h264", 300)
    film = filmed_in_call(picture, encoder, np.random.default_rng(3), seconds=1.5, per_s=4)
    shown = shown_in_call(picture, encoder, np.random.default_rng(3))
    assert film.crops.shape == (6, *picture.shape)
    np.testing.assert_array_equal(film.crops[0], shown.pixels)
    assert film.quantisers[0] == shown.quantiser
    for one, other in pairwise(film.crops):
        assert 25 < cv2.PSNR(one, other) < 60, "it moves, and is the same picture"


def test_a_film_shows_the_picture_before_where_the_codec_dropped_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def half(frames: Iterable[Frame], encoder: Encoder) -> Transcoded:
        whole = transcode(frames, encoder)
        return replace(whole, frames=whole.frames[::2], quantisers=whole.quantisers[::2])

    monkeypatch.setattr(call, "transcode", half)
    encoder = call_encoder("h264", 300)
    film = filmed_in_call(textured(4, 120), encoder, np.random.default_rng(5), 0.4, per_s=FPS)
    alike = [np.array_equal(one, other) for one, other in pairwise(film.crops)]
    assert alike == [True, False] * 4 + [True], "frame 46 is the first, and was not dropped"
