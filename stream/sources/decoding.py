"""What all sources that decode with FFmpeg share: packets in, `Capture`s out."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, cast

import av
import av.error
import numpy as np
from av.container import InputContainer
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.reformatter import Colorspace
from av.video.stream import VideoStream

from stream.load import usable_cores
from stream.sources.quantiser import EXPORT, quantiser_reader
from stream.types import THUMBNAIL_PX, Pixels, no_quantiser

THREADS: Final = 2
_ROOM: Final = threading.Semaphore(max(1, round(usable_cores())))
"""No more pictures are decoded at a time than there are cores. Of twelve cameras on two cores the
others only wait for one another, and the networks for whichever of them was set aside while it held
the interpreter's lock: without this each face got 0.6 scores a second there, with it 4.0."""
_BRIGHTNESS_FIRST: Final = frozenset(
    {"yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "yuv444p", "yuvj444p", "nv12", "gray"}
)
_UNTAGGED: Final = 2  # AVCOL_SPC_UNSPECIFIED
_FALLBACK_FPS: Final = 25.0


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded frame, its colours as the codec left them; `corrupt` where errors reach it.

    `quantiser` reads how coarsely it was coded (see `stream.sources.quantiser`), None if unknown.
    """

    frame: VideoFrame
    corrupt: bool
    quantiser: Callable[[], float | None] = no_quantiser

    @property
    def timestamp_s(self) -> float | None:
        """Its presentation time on the container's own clock, seconds."""
        frame = self.frame
        if frame.pts is None or frame.time_base is None:
            return None
        return float(frame.pts * frame.time_base)

    @property
    def size_px(self) -> tuple[int, int]:
        """(width, height) as it is shown, the container's rotation applied."""
        width, height = self.frame.width, self.frame.height
        return (height, width) if _quarter_turns(self.frame) % 2 else (width, height)

    def converter(self) -> Callable[[], Pixels]:
        """A function that makes the RGB pixels, uint8 (height, width, 3): about 0.3 ms for
        960x540, spent only on pictures that are looked at.
        """
        frame = self.frame
        return lambda: to_rgb(frame)

    def thumbnail(self) -> Pixels | None:
        """Brightness of every `THUMBNAIL_PX`th point, uint8 (h, w), upright; 0.1 ms for 1280x720.

        None where brightness is not a plane of 8 bits.
        """
        frame = self.frame
        if frame.format.name not in _BRIGHTNESS_FIRST:
            return None
        plane = frame.planes[0]
        rows: Pixels = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
        offset = THUMBNAIL_PX // 2
        points = rows[offset : frame.height : THUMBNAIL_PX, offset : frame.width : THUMBNAIL_PX]
        turns = _quarter_turns(frame)
        return np.ascontiguousarray(np.rot90(points, turns) if turns else points)


def video_stream(container: InputContainer) -> VideoStream | None:
    """The container's first video stream that can be decoded here, or None. Cover pictures of music
    files come after moving ones.
    """
    streams = [stream for stream in container.streams.video if stream.codec_context is not None]
    return min(streams, key=lambda stream: bool(stream.disposition.attached_pic), default=None)


@dataclass(frozen=True, slots=True)
class BareStream:
    """What stands for a container's stream where coded frames come without one, over RTP."""

    codec_context: VideoCodecContext
    average_rate: Fraction | None = None
    guessed_rate: Fraction | None = None

    @classmethod
    def of(cls, codec: str) -> BareStream:
        """A stream that is coded by ``vp8`` or ``h264``."""
        return cls(cast(VideoCodecContext, av.CodecContext.create(codec, "r")))


class Decoder:
    """One video stream's decoder. Slice threads only: frame threads would hold pictures back.

    An error in one picture lives on in all that are predicted from it, so everything until the
    next keyframe is marked corrupt, whether or not the codec flags it.
    """

    def __init__(self, stream: VideoStream | BareStream) -> None:
        self._damaged = False
        context = stream.codec_context
        context.thread_type = "SLICE"
        # With several threads FFmpeg's H.264 decoder does not notice that a slice is missing: what
        # an earlier picture left there would be scored as if it had been sent.
        context.thread_count = 1 if context.codec.canonical_name == "h264" else THREADS
        self._codec = context.codec.canonical_name
        if self._codec == "h264":
            context.options = {**context.options, **EXPORT}
        self._context = context
        self.name = f"{self._codec} (software)"
        self.interval_s = 1.0 / float(stream.average_rate or stream.guessed_rate or _FALLBACK_FPS)
        self.errors = 0

    def decode(self, packet: av.Packet[VideoStream]) -> list[Picture]:
        """The pictures that `packet` completes, often one, sometimes none.

        Raises: nothing for broken data, which is counted in `errors`.
        """
        if packet.is_corrupt:
            self._damaged = True
        try:
            with _ROOM:
                frames = self._context.decode(packet)
        except av.error.EOFError:
            return []
        except (av.error.InvalidDataError, av.error.UnknownError, av.error.PatchWelcomeError):
            self.errors += 1
            self._damaged = True
            return []
        return [self._judge(frame, packet) for frame in frames]

    def _judge(self, frame: VideoFrame, packet: av.Packet[VideoStream]) -> Picture:
        if frame.is_corrupt:
            self.errors += 1
            self._damaged = True
        elif frame.key_frame:
            self._damaged = False
        return Picture(frame, self._damaged, quantiser_reader(self._codec, frame, packet))


def to_rgb(frame: VideoFrame) -> Pixels:
    """The frame's pixels, uint8 RGB (height, width, 3), upright, by its own matrix and range.

    Where the matrix is not named, pictures larger than standard definition are taken as BT.709,
    as players do; FFmpeg alone would take all of them as BT.601.
    """
    matrix = None
    if frame.colorspace == _UNTAGGED and (frame.width >= 1280 or frame.height > 576):
        matrix = Colorspace.ITU709
    # One thread: for each picture FFmpeg would start a pool, which costs three times the work.
    rgb = frame.to_ndarray(format="rgb24", src_colorspace=matrix, threads=1)
    turns = _quarter_turns(frame)
    upright = np.ascontiguousarray(np.rot90(rgb, turns)) if turns else rgb
    return upright.astype(np.uint8, copy=False)


def _quarter_turns(frame: VideoFrame) -> int:
    # FFmpeg states the angle counterclockwise, which is also how np.rot90 counts.
    return round(frame.rotation / 90) % 4
