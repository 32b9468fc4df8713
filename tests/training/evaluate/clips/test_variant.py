"""Clips encoded anew."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from stream.sources.decoding import to_rgb
from tests.training.evaluate.clips.tiny import write
from training.evaluate.clips.variant import (
    GAIN,
    SCALE,
    Codec,
    Variant,
    drawn_variant,
    measure,
    write_variant,
)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    ground = rng.integers(60, 140, (96, 160, 3)).astype(np.uint8)
    return write(tmp_path / "clip.mp4", (np.roll(ground, k, 1) for k in range(50)))


def test_a_clip_is_measured(clip: Path) -> None:
    found = measure(clip)
    assert found.size_px == (160, 96)
    assert found.seconds == pytest.approx(2.0)


@pytest.mark.parametrize("codec", ["h264", "vp8"])
def test_size_light_codec_and_times_are_those_asked_for(
    clip: Path, tmp_path: Path, codec: Codec
) -> None:
    target = tmp_path / "out.mkv"
    write_variant(clip, Variant(scale=0.5, gain=1.3, codec=codec, kbit_s=400), target)
    assert measure(target).size_px == (80, 48)
    with av.open(str(clip)) as before, av.open(str(target)) as after:
        assert after.streams.video[0].codec_context.name == codec
        old = [frame.to_ndarray(format="rgb24").mean() for frame in before.decode(video=0)]
        frames = list(after.decode(video=0))
    new = [frame.to_ndarray(format="rgb24").mean() for frame in frames]
    assert np.mean(new) == pytest.approx(1.3 * np.mean(old), rel=0.03)
    counts = np.array([(frame.time or 0.0) * 25 for frame in frames])  # Matroska's are in ms
    assert np.allclose(counts, counts.round(), atol=0.03)
    assert counts[-1] == pytest.approx(49, abs=2), "VP8 may drop a frame to keep its rate"


@pytest.mark.parametrize("size", [(240, 320), (720, 1280)])
@pytest.mark.parametrize("codec", ["h264", "vp8"])
def test_colours_come_back_as_they_went_in(
    tmp_path: Path, codec: Codec, size: tuple[int, int]
) -> None:
    skin = np.full((*size, 3), (200, 120, 90), np.uint8)
    clip = write(tmp_path / "clip.mp4", [skin] * 5)
    write_variant(clip, Variant(codec=codec, kbit_s=4000), tmp_path / "out.mkv")
    pictures = []
    for path in (clip, tmp_path / "out.mkv"):
        with av.open(str(path)) as container:
            pictures.append(to_rgb(list(container.decode(video=0))[-1]).mean((0, 1)))
    assert pictures[1] == pytest.approx(pictures[0], abs=4)


@pytest.mark.parametrize("codec", ["h264", "vp8"])
def test_fewer_bits_are_fewer_bytes(clip: Path, tmp_path: Path, codec: Codec) -> None:
    sizes = []
    for rate in (60, 600):
        target = tmp_path / f"{rate}.mkv"
        write_variant(clip, Variant(codec=codec, kbit_s=rate), target)
        sizes.append(target.stat().st_size * 8 / 2000)
    assert sizes[0] < 0.5 * sizes[1]


def test_drawn_variants_stay_in_their_ranges_and_repeat() -> None:
    for seed in range(50):
        drawn = drawn_variant((1280, 720), np.random.default_rng(seed))
        assert drawn == drawn_variant((1280, 720), np.random.default_rng(seed))
        assert SCALE[0] <= drawn.scale <= SCALE[1]
        assert GAIN[0] <= drawn.gain <= GAIN[1]
        assert drawn.kbit_s is not None


def test_what_is_no_video_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"nothing")
    with pytest.raises(ValueError, match="no video"):
        measure(tmp_path / "a.mp4")
    with pytest.raises(ValueError, match="no video"):
        write_variant(tmp_path / "a.mp4", Variant(kbit_s=100), tmp_path / "b.mkv")


def test_as_it_is_is_not_encoded(clip: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no encoding"):
        write_variant(clip, Variant(), tmp_path / "b.mkv")
