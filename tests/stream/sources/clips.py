"""Small videos that the tests make themselves, and what a source made of them."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import av
import numpy as np
from av.video.codeccontext import VideoCodecContext

from stream.clock import Clock, MonotonicClock
from stream.sources.base import Source, SourceOptions
from stream.sources.inbox import Arrived, Codec
from stream.types import Capture, Pixels

MS = Fraction(1, 1000)
STEADY_MS = tuple(range(0, 1000, 40))


def picture(number: int, width: int = 320, height: int = 240) -> Pixels:
    """A gradient with a bright square top left and texture that moves with `number`."""
    y, x = np.mgrid[0:height, 0:width]
    grey = (x + y + 7 * number) % 200
    pixels = np.stack((grey, grey // 2, 200 - grey), axis=-1).astype(np.uint8)
    pixels[:60, :60] = 250
    return pixels


def write_clip(
    path: Path,
    times_ms: Sequence[int] = STEADY_MS,
    size: tuple[int, int] = (320, 240),
    codec: Literal["libx264", "mjpeg"] = "libx264",
    keyframes_every: int = 10,
    b_frames: int = 0,
) -> Path:
    """A video with a picture at each of `times_ms`; the moov box lies in front of the pictures."""
    options = {"movflags": "+faststart"} if path.suffix == ".mp4" else {}
    with av.open(str(path), "w", options=options) as container:
        stream = container.add_stream(
            codec,
            rate=25,
            options={"bf": str(b_frames), "g": str(keyframes_every), "sc_threshold": "0"},
        )
        stream.width, stream.height = size
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        stream.codec_context.time_base = MS
        for number, at_ms in enumerate(times_ms):
            frame = av.VideoFrame.from_ndarray(picture(number, *size), format="rgb24")
            frame.pts, frame.time_base = at_ms, MS
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def coded(count: int, first_rtp: int = 1000, codec: str = "libvpx") -> list[Arrived]:
    """Frames of 320x240, a thirtieth of a second apart, as a WebRTC peer's packets carry them."""
    size = (320, 240)
    encoder = av.CodecContext.create(codec, "w")
    assert isinstance(encoder, VideoCodecContext)
    encoder.width, encoder.height = size
    encoder.pix_fmt = "yuv420p"
    encoder.time_base = Fraction(1, 30)
    # Below 0 the speed is fixed; else libvpx would take its own pace as the measure, and code the
    # same pictures otherwise on a busy machine.
    encoder.options = (
        {"deadline": "realtime", "lag-in-frames": "0", "cpu-used": "-8"}
        if codec == "libvpx"
        else {"tune": "zerolatency"}
    )
    frames = []
    for number in range(count):
        frame = av.VideoFrame.from_ndarray(picture(number, *size), format="rgb24")
        frame.pts, frame.time_base = number, Fraction(1, 30)
        data = b"".join(bytes(packet) for packet in encoder.encode(frame))
        rtp = (first_rtp + 3000 * number) % 2**32
        name: Codec = "vp8" if codec == "libvpx" else "h264"
        frames.append(Arrived(name, data, rtp, 100.0 + number / 30, damaged=False))
    return frames


def write_sound(path: Path) -> Path:
    """A file with sound alone."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=8000, layout="mono")
        silence = np.zeros((1, 1024), np.float32)
        frame = av.AudioFrame.from_ndarray(silence, format="fltp", layout="mono")
        frame.sample_rate, frame.pts = 8000, 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def turn_clockwise(path: Path) -> Path:
    """Tell players to show the MP4 turned by 90 degrees, as a phone held upright does."""
    raw = bytearray(path.read_bytes())
    at = raw.index(b"tkhd") + 44
    one, down, up = 0x10000, 0x40000000, (-0x10000) & 0xFFFFFFFF
    raw[at : at + 36] = b"".join(
        value.to_bytes(4, "big") for value in (0, one, 0, up, 0, 0, 0, 0, down)
    )
    path.write_bytes(raw)
    return path


class Recorder:
    """Takes what a source emits; says no after `limit` pictures."""

    def __init__(self, limit: int | None = None) -> None:
        self.captures: list[Capture] = []
        self.limit = limit
        self.came = threading.Event()

    def __call__(self, capture: Capture) -> bool:
        self.captures.append(capture)
        if self.limit is None or len(self.captures) < self.limit:
            return True
        self.came.set()
        return False

    @property
    def times_s(self) -> list[float]:
        return [capture.media_time_s for capture in self.captures]


def options(clock: Clock | None = None, **changes: Any) -> SourceOptions:
    return SourceOptions(clock or MonotonicClock(), **changes)


def play(source: Source, limit: int | None = None) -> Recorder:
    """Run `source` to its end, or for `limit` pictures."""
    recorder = Recorder(limit)
    source.run(recorder, threading.Event())
    return recorder
