"""Real encodes, in memory."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from tests.training.channel.pictures import textured
from training.channel.codec import (
    Encoder,
    Frame,
    h264_at_quality,
    h264_at_rate,
    transcode,
    vp8_at_rate,
)

ENCODERS = [
    pytest.param(h264_at_quality(28), id="h264-crf"),
    pytest.param(h264_at_rate(60_000), id="h264-rate"),
    pytest.param(vp8_at_rate(60_000), id="vp8"),
    pytest.param(vp8_at_rate(60_000, resilient=True), id="vp8-resilient"),
]


def clip(frames: int = 4, side: int = 96) -> list[Frame]:
    wide = cv2.cvtColor(textured(0, side + 2 * frames), cv2.COLOR_RGB2YUV_I420)
    picture = cv2.cvtColor(wide, cv2.COLOR_YUV2RGB_I420)
    return [
        np.asarray(
            cv2.cvtColor(picture[2 * k : 2 * k + side, :side].copy(), cv2.COLOR_RGB2YUV_I420),
            np.uint8,
        )
        for k in range(frames)
    ]


@pytest.mark.parametrize("encoder", ENCODERS)
def test_every_frame_comes_back_close_to_what_went_in(encoder: Encoder) -> None:
    frames = clip()
    coded = transcode(frames, encoder)
    assert [index for index, _ in coded.frames] == [0, 1, 2, 3]
    for frame, (_, back) in zip(frames, coded.frames, strict=True):
        assert back.shape == frame.shape
        assert not np.array_equal(back, frame)
        assert cv2.PSNR(frame, back) > 22


@pytest.mark.parametrize("encoder", ENCODERS)
def test_encoding_is_repeatable_to_the_bit(encoder: Encoder) -> None:
    first, second = transcode(clip(), encoder), transcode(clip(), encoder)
    assert first.bytes == second.bytes
    assert np.array_equal(first.frames[-1][1], second.frames[-1][1])


@pytest.mark.parametrize("speed", [4, 8])
def test_libvpx_never_chooses_its_effort_by_the_clock(speed: int) -> None:
    """A positive ``cpu-used`` does: 3 of 6 encodes of one call differed on a busy machine."""
    assert dict(vp8_at_rate(60_000, speed).options)["cpu-used"] == str(-speed)


@pytest.mark.parametrize("encoder", ENCODERS)
def test_later_frames_are_predicted_from_earlier_ones(encoder: Encoder) -> None:
    still = [clip(1)[0]] * 4
    sizes = transcode(still, encoder).bytes
    assert max(sizes[1:]) < sizes[0] / 2


@pytest.mark.parametrize("make", [h264_at_rate, vp8_at_rate])
def test_a_higher_rate_spends_more_and_shows_more(make: Callable[[int], Encoder]) -> None:
    frames = clip(8)
    spent, shown = [], []
    for bits_per_s in (20_000, 80_000, 320_000):
        coded = transcode(frames, make(bits_per_s))
        spent.append(sum(coded.bytes))
        shown.append(cv2.PSNR(frames[-1], coded.frames[-1][1]))
    assert spent[0] < spent[1] < spent[2]
    assert shown[0] < shown[1] < shown[2]


def test_the_encoder_s_signature_does_not_eat_a_small_picture_s_bits() -> None:
    """Charged to a rate of 25 bytes a frame, its 600 bytes leave 24 dB of the picture."""
    smooth = cv2.GaussianBlur(textured(0, 64), (0, 0), 1)
    frame = np.asarray(cv2.cvtColor(smooth, cv2.COLOR_RGB2YUV_I420), np.uint8)
    coded = transcode([frame] * 4, h264_at_rate(25 * 8 * 25, buffer_s=0.4))
    assert cv2.PSNR(frame, coded.frames[-1][1]) > 30


def test_a_clip_without_frames_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one frame"):
        transcode([], h264_at_quality(28))


@pytest.mark.parametrize("at_rate", [h264_at_rate, vp8_at_rate])
def test_fewer_bits_are_a_coarser_quantiser(at_rate: Callable[[int], Encoder]) -> None:
    found = [transcode(clip(), at_rate(rate)).quantisers for rate in (400_000, 40_000)]
    assert [len(quantisers) for quantisers in found] == [4, 4]
    fine, coarse = ([quantiser or 0 for quantiser in quantisers] for quantisers in found)
    assert min(fine) > 0
    assert np.mean(fine) + 3 < np.mean(coarse) < 52
