from __future__ import annotations

import json
from itertools import pairwise

import av
import numpy as np
import pytest

from stream.clock import ManualClock
from stream.sources.demo import CLIP, DemoSource
from tests.stream.sources.clips import options, play


def test_the_clip_is_small_enough_to_ship() -> None:
    assert CLIP.stat().st_size <= 2_000_000


def test_the_description_fits_the_clip() -> None:
    told = json.loads(CLIP.with_suffix(".json").read_text(encoding="utf-8"))
    with av.open(str(CLIP)) as container:
        stream = container.streams.video[0]
        assert [stream.width, stream.height] == told["size_px"]
        assert stream.pix_fmt == "yuv420p"
        assert stream.frames == told["duration_s"] * told["fps"]
    segments = told["segments"]
    assert [segment["label"] for segment in segments] == ["untouched", "face-swapped"]
    assert segments[0]["start_s"] == 0
    assert segments[-1]["end_s"] == told["duration_s"]
    assert all(one["end_s"] == other["start_s"] for one, other in pairwise(segments))
    assert "public domain" in told["sources"][0]["licence"]


@pytest.fixture(scope="module")
def captures() -> list[tuple[float, np.ndarray]]:
    source = DemoSource("", options(ManualClock(), paced=False))
    seen = play(source).captures
    assert source.decoder == "h264 (software)"
    assert not source.live
    return [(c.media_time_s, c.convert()) for c in seen[::50]]


def test_every_picture_moves_and_says_what_it_shows(
    captures: list[tuple[float, np.ndarray]],
) -> None:
    # The caption's box: dark, with white letters, lower left.
    widths = []
    for _, pixels in captures:
        row = pixels[484].mean(axis=-1)
        assert row[20:100].max() < 60
        widths.append(int(np.argmax(row[20:] > 70)))
    half = len(widths) // 2
    assert max(widths[:half]) < min(widths[half:])
    for (_, earlier), (_, later) in pairwise(captures):
        assert np.abs(earlier.astype(int) - later).mean() > 1.0
