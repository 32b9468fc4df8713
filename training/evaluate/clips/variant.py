"""A clip once more, as another line and another light would have shown it."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final, Literal, cast

import av
import av.error
import cv2
import numpy as np
from av.container import InputContainer, OutputContainer
from av.video.reformatter import Colorspace
from av.video.stream import VideoStream
from numpy.typing import NDArray

from stream.sources.decoding import to_rgb, video_stream
from training.channel.codec import Encoder, h264_at_rate, vp8_at_rate

Codec = Literal["h264", "vp8"]

SCALE: Final = (0.6, 1.0)
KBIT_S: Final = (200.0, 2000.0)
"""Of a call of `REFERENCE_PX`; other sizes get more or less, see `_rate`."""
REFERENCE_PX: Final = 640 * 360
GAIN: Final = (0.7, 1.3)
SIZE_POWER: Final = 0.75
"""Four times the pixels want 2.8 times the bits for the same look: a codec spends fewer on each
pixel of a larger picture."""
TIME_BASE: Final = Fraction(1, 90_000)


@dataclass(frozen=True, slots=True)
class Variant:
    """What is done to a clip. `kbit_s` None leaves the file as it is; then nothing else is done."""

    scale: float = 1.0
    gain: float = 1.0
    codec: Codec = "h264"
    kbit_s: int | None = None

    def __str__(self) -> str:
        if self.kbit_s is None:
            return "as it is"
        return f"{self.codec} {self.kbit_s} kbit/s, scale {self.scale:.2f}, gain {self.gain:.2f}"


AS_IT_IS: Final = Variant()


def drawn_variant(size_px: tuple[int, int], rng: np.random.Generator) -> Variant:
    """Draw scale, gain, codec and a call's bitrate for a clip of (width, height)."""
    scale = round(float(np.exp(rng.uniform(*np.log(SCALE)))), 3)
    gain = round(float(rng.uniform(*GAIN)), 3)
    kbit_s = float(np.exp(rng.uniform(*np.log(KBIT_S))))
    pixels = size_px[0] * size_px[1] * scale**2
    spent = round(kbit_s * (pixels / REFERENCE_PX) ** SIZE_POWER)
    return Variant(scale, gain, "h264" if rng.random() < 0.5 else "vp8", max(20, spent))


@dataclass(frozen=True, slots=True)
class Measured:
    """A clip's size as shown (width, height) and its length."""

    size_px: tuple[int, int]
    seconds: float


def measure(path: Path) -> Measured:
    """Read a clip's size and length, decoding its first picture only.

    Raises: ValueError for what is no video.
    """
    with _opened(path) as container:
        stream = _stream(container, path)
        try:
            first = to_rgb(next(container.decode(stream)))
        except (av.error.FFmpegError, StopIteration) as exc:
            raise ValueError(f"{path} holds no picture that can be decoded") from exc
        length = (
            stream.duration * stream.time_base if stream.duration and stream.time_base else None
        )
        seconds = float(length) if length else (container.duration or 0) / av.time_base
        return Measured((first.shape[1], first.shape[0]), seconds)


def write_variant(clip: Path, variant: Variant, target: Path) -> None:
    """Encode the whole clip anew into `target` (.mkv), its time stamps kept.

    Raises: ValueError for what is no video; OSError when the target cannot be written.
    """
    if variant.kbit_s is None:
        raise ValueError("a clip as it is needs no encoding")
    with _opened(clip) as source, av.open(str(target), "w", format="matroska") as sink:
        stream = _stream(source, clip)
        stream.codec_context.thread_count = 1
        fps = Fraction(stream.average_rate or stream.guessed_rate or 25)
        written: VideoStream | None = None
        try:
            for frame in source.decode(stream):
                pixels = _changed(to_rgb(frame), variant)
                written = written or _sink(sink, variant, fps, pixels)
                shown = picture(pixels, variant.codec)
                time_s = float((frame.pts or 0) * (frame.time_base or 0))
                shown.pts, shown.time_base = round(time_s / TIME_BASE), TIME_BASE
                sink.mux(written.encode(shown))
        except av.error.FFmpegError as exc:
            if written is None:
                raise ValueError(f"{clip} cannot be decoded: {exc}") from exc
        if written is None:
            raise ValueError(f"{clip} holds no picture")
        sink.mux(written.encode(None))


def _changed(pixels: NDArray[np.uint8], variant: Variant) -> NDArray[np.uint8]:
    height, width = (2 * max(8, round(side * variant.scale / 2)) for side in pixels.shape[:2])
    if (height, width) != pixels.shape[:2]:
        resized = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)
        pixels = np.asarray(resized, np.uint8)
    if variant.gain != 1.0:
        table = np.clip(np.arange(256) * variant.gain + 0.5, 0, 255).astype(np.uint8)
        pixels = np.asarray(cv2.LUT(pixels, table), np.uint8)
    return np.ascontiguousarray(pixels)


def picture(pixels: NDArray[np.uint8], codec: Codec) -> av.VideoFrame:
    """The pixels as YUV. VP8 is BT.601 by definition; for untagged H.264 the matrix is the one
    that `stream.sources.decoding.to_rgb` takes pictures of this size to have.
    """
    height, width = pixels.shape[:2]
    large = codec == "h264" and (width >= 1280 or height > 576)
    matrix = Colorspace.ITU709 if large else Colorspace.ITU601
    frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
    return frame.reformat(format="yuv420p", dst_colorspace=matrix)


def _sink(
    container: OutputContainer, variant: Variant, fps: Fraction, first: NDArray[np.uint8]
) -> VideoStream:
    encoder = _encoder(variant, max(1, round(fps)))
    stream = cast(VideoStream, container.add_stream(encoder.name, rate=fps))
    stream.height, stream.width = first.shape[:2]
    stream.pix_fmt = "yuv420p"
    context = stream.codec_context
    context.time_base = TIME_BASE
    context.thread_count = 1
    context.bit_rate = encoder.bits_per_s
    context.options = dict(encoder.options)
    return stream


def _encoder(variant: Variant, fps: int) -> Encoder:
    bits_per_s = 1000 * (variant.kbit_s or 0)
    make = h264_at_rate if variant.codec == "h264" else vp8_at_rate
    return make(bits_per_s, fps=fps)


def _opened(path: Path) -> InputContainer:
    try:
        return av.open(str(path), metadata_errors="ignore")
    except (av.error.FFmpegError, ValueError) as exc:
        raise ValueError(f"{path} is no video that can be opened") from exc


def _stream(container: InputContainer, path: Path) -> VideoStream:
    stream = video_stream(container)
    if stream is None:
        raise ValueError(f"{path} has no video stream that can be decoded")
    return stream
