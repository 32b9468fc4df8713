"""What calls spend on a face."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from training.channel.rate import (
    H264AtQuality,
    H264AtRate,
    Vp8AtRate,
    drawn_bits_per_px,
    drawn_video,
)


def test_bits_a_pixel_cover_calls_from_unwatchable_to_lossless() -> None:
    rng = np.random.default_rng(0)
    drawn = np.array([drawn_bits_per_px(rng, fps) for fps in (15, 30) for _ in range(500)])
    # 80 and 500 kbit/s at 360p and 25 fps, the least and the most that a face may get of them.
    assert np.mean(drawn < 80e3 / (25 * 640 * 360) * 3) > 0.1
    assert np.mean(drawn > 500e3 / (25 * 640 * 360) * 1.5) > 0.25
    assert drawn.min() >= 0.018
    assert drawn.max() <= 1.5


@pytest.mark.parametrize("make", [Vp8AtRate(0.1, 20, 6, False), H264AtRate(0.1, 20, "veryfast")])
def test_the_rate_grows_with_the_picture(make: Vp8AtRate | H264AtRate) -> None:
    small, large = make(100 * 100).bits_per_s, make(200 * 200).bits_per_s
    assert small is not None
    assert large is not None
    assert large / small == pytest.approx(4, rel=0.15)  # each frame's header costs the same


def test_all_codecs_are_drawn_and_some_rows_are_lost() -> None:
    rng = np.random.default_rng(1)
    videos = [drawn_video(rng) for _ in range(400)]
    kinds = Counter(type(video.encoder_for) for video in videos)
    assert kinds[Vp8AtRate] == pytest.approx(200, abs=40)
    assert kinds[H264AtRate] == pytest.approx(100, abs=35)
    assert kinds[H264AtQuality] == pytest.approx(100, abs=35)
    assert 5 < sum(video.lost is not None for video in videos) < 60
    assert {video.walk.frames for video in videos} == {3, 4, 5, 6}
