"""Codec: real H.264 and VP8 encodes in memory, set as calls set them.

Frames are I420, uint8 (3 H / 2, W), with H and W even.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

import av
import cv2
import numpy as np
from av.codec.context import Flags
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream
from numpy.typing import NDArray

from stream.sources.quantiser import EXPORT, quantiser_of

Frame = NDArray[np.uint8]
Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Encoder:
    """`name` and `options` as FFmpeg knows them, at `fps`; `bits_per_s` where a rate is kept."""

    name: str
    decoder: str
    fps: int
    options: tuple[tuple[str, str], ...]
    bits_per_s: int | None = None


@dataclass(frozen=True, slots=True)
class Transcoded:
    """`frames` as (index of the frame encoded, picture), in order; `bytes` of every packet.

    `quantisers` are the frames', as `stream.sources.quantiser` reads them in live streams.
    The first packet of x264 bears its signature of 600 bytes. An encoder that keeps a rate may
    drop frames; a dropped one is in neither.
    """

    frames: tuple[tuple[int, Frame], ...]
    quantisers: tuple[float | None, ...]
    bytes: tuple[int, ...]


def h264_at_quality(crf: int, preset: str = "veryfast", fps: int = 25) -> Encoder:
    """x264 without delay at a constant rate factor: 17 is near lossless, 45 is mush."""
    return Encoder("libx264", "h264", fps, (*_x264(preset), ("crf", str(crf))))


def h264_at_rate(
    bits_per_s: int, preset: str = "superfast", fps: int = 25, buffer_s: float = 0.6
) -> Encoder:
    """x264 without delay at a constant rate; a frame may take the bits of up to `buffer_s`.

    Peaks go 20 % above the rate, and ``qcomp=0`` asks for even bits, not even quality: with x264's
    own settings, the first seconds stay 40 % below a low rate.
    """
    buffer, peak = str(round(bits_per_s * buffer_s)), str(round(bits_per_s * 1.2))
    limits = (("maxrate", peak), ("bufsize", buffer), ("qcomp", "0"))
    return Encoder("libx264", "h264", fps, (*_x264(preset), *limits), bits_per_s)


def vp8_at_rate(bits_per_s: int, speed: int = 6, fps: int = 25, resilient: bool = False) -> Encoder:
    """libvpx as WebRTC sets it: constant rate, buffer 1 s, a first frame of up to 9 frames' bits.

    `speed` is 4 to 8. It goes in with a minus, as in WebRTC: with a plus, libvpx would choose
    its effort by the clock, and no encode could be repeated.
    """
    rate = str(bits_per_s)
    options = {
        "deadline": "realtime",
        "cpu-used": str(-speed),
        "error-resilient": "default" if resilient else "0",
        "lag-in-frames": "0",
        "minrate": rate,
        "maxrate": rate,
        "bufsize": rate,
        "rc_init_occupancy": str(bits_per_s // 2),
        "undershoot-pct": "100",
        "overshoot-pct": "15",
        "max-intra-rate": "900",
        "qmin": "2",
        "qmax": "56",
        "g": "3000",
    }
    return Encoder("libvpx", "vp8", fps, tuple(options.items()), bits_per_s)


def transcode(frames: Iterable[Frame], encoder: Encoder) -> Transcoded:
    """Encode and decode the frames, all of one shape, on the calling thread.

    Raises: ValueError when there are no frames.
    """
    sink: VideoCodecContext | None = None
    packets: list[Packet[VideoStream]] = []
    for index, pixels in enumerate(frames):
        frame = av.VideoFrame.from_ndarray(pixels, format="yuv420p")
        frame.pts = index
        sink = sink or _opened(encoder, frame.width, frame.height)
        packets += sink.encode(frame)
    if sink is None:
        raise ValueError("a clip needs at least one frame")
    packets += sink.encode(None)
    source = av.CodecContext.create(encoder.decoder, "r")
    assert isinstance(source, VideoCodecContext)
    source.extradata = sink.extradata
    source.thread_count = 1
    pictures: list[tuple[int, Frame]] = []
    quantisers: list[float | None] = []
    if encoder.decoder == "h264":
        source.options = dict(EXPORT)
    for packet in [*packets, None]:
        for frame in source.decode(packet):
            pictures.append((int(frame.pts or 0), np.asarray(frame.to_ndarray(), np.uint8)))
            quantisers.append(quantiser_of(encoder.decoder, frame, packet))
    return Transcoded(tuple(pictures), tuple(quantisers), tuple(packet.size for packet in packets))


def to_i420(pixels: Pixels) -> Frame:
    """Turn uint8 RGB (H, W, 3) into a frame, by BT.601 in the range of video."""
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2YUV_I420), np.uint8)


def from_i420(frame: Frame) -> Pixels:
    """Turn a frame into uint8 RGB (H, W, 3)."""
    return np.asarray(cv2.cvtColor(frame, cv2.COLOR_YUV2RGB_I420), np.uint8)


def _opened(encoder: Encoder, width: int, height: int) -> VideoCodecContext:
    """Give a fresh encoder: one that was flushed cannot be used again."""
    context = av.CodecContext.create(encoder.name, "w")
    assert isinstance(context, VideoCodecContext)
    context.width, context.height, context.pix_fmt = width, height, "yuv420p"
    context.framerate = Fraction(encoder.fps)
    context.time_base = 1 / context.framerate
    # More threads would slice the picture, and libvpx with threads is not repeatable.
    context.thread_count = 1
    if encoder.bits_per_s is not None:
        context.bit_rate = encoder.bits_per_s
    context.options = dict(encoder.options)
    # x264 signs its first frame with 600 bytes of text, more than a small crop's whole budget; it
    # does not charge them to the rate when the headers stand apart.
    context.flags |= Flags.global_header
    context.open(strict=False)
    return context


def _x264(preset: str) -> tuple[tuple[str, str], ...]:
    # The entropy coder does not change the pixels, and x264 builds CAVLC's tables for 1.5 ms anew
    # in each context.
    return ("preset", preset), ("tune", "zerolatency"), ("coder", "ac"), ("g", "3000")
