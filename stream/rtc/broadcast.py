"""Broadcast: one stream's pictures, coded once for all who watch it over WebRTC."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from fractions import Fraction
from typing import Final, NamedTuple

import av
import cv2
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType

from stream.fanout import Fanout, Subscription
from stream.rtc.options import RtcOptions
from stream.session import Session
from stream.types import Frame

TIME_BASE: Final = Fraction(1, 90_000)
QUEUED: Final = 4
"""Pictures that wait for one viewer's connection; one that is slower sees nothing until the next
keyframe, for each picture is predicted from the one before."""
KEYFRAME_INTERVAL_S: Final = 0.5
"""Between keyframes that viewers ask for: one with a bad line must not spoil it for the others."""


class Coded(NamedTuple):
    """A picture as VP8. `pts` counts 90,000 a second and runs on through epochs."""

    data: bytes
    pts: int
    keyframe: bool
    frame_seq: int
    epoch: int
    media_time_s: float


class Broadcast:
    """Codes what the session has analysed, from the first viewer until the last has gone.

    Only analysed frames are coded, so that every picture on show has a message of its own; the
    newest wins while the encoder is busy. All on the event loop but the encoding itself.
    """

    def __init__(self, session: Session, options: RtcOptions) -> None:
        self.pictures: Fanout[Coded] = Fanout()
        self._session = session
        self._options = options
        self._viewers = 0
        self._task: asyncio.Task[None] | None = None
        self._encoder: VideoCodecContext | None = None
        self._wants_keyframe = False
        self._keyframe_at_s = float("-inf")
        self._last: Frame | None = None
        self._pts = 0

    @property
    def running(self) -> bool:
        """Whether somebody watches, and so something is coded."""
        return self._task is not None

    @asynccontextmanager
    async def join(self) -> AsyncIterator[Subscription[Coded]]:
        """Watch from now on: the first picture that can be shown is the next keyframe."""
        self._viewers += 1
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="broadcast")
        self.ask_for_keyframe()
        try:
            with self.pictures.subscribe(QUEUED) as pictures:
                yield pictures
        finally:
            self._viewers -= 1
            if not self._viewers and self._task is not None:
                task, self._task = self._task, None
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    def ask_for_keyframe(self) -> None:
        """Code the next picture on its own, as soon as `KEYFRAME_INTERVAL_S` allows."""
        self._wants_keyframe = True

    async def _run(self) -> None:
        with self._session.frames.subscribe(1) as frames:
            async for frame in frames:
                coded = await asyncio.to_thread(self._encode, frame)
                if coded is not None:
                    self.pictures.publish(coded)
        self.pictures.close()

    def _encode(self, frame: Frame) -> Coded | None:
        picture = self._picture(frame)
        if (
            self._encoder is None
            or self._encoder.width != picture.width
            or (self._encoder.height != picture.height)
        ):
            self._encoder = _encoder(picture.width, picture.height, self._options.view_bitrate)
        now_s = time.monotonic()
        if self._wants_keyframe and now_s - self._keyframe_at_s >= KEYFRAME_INTERVAL_S:
            self._wants_keyframe, self._keyframe_at_s = False, now_s
            picture.pict_type = PictureType.I
        self._pts += self._step(frame)
        self._last = frame
        picture.pts, picture.time_base = self._pts, TIME_BASE
        packets = self._encoder.encode(picture)
        if not packets:
            return None
        data = b"".join(bytes(packet) for packet in packets)
        keyframe = any(packet.is_keyframe for packet in packets)
        return Coded(data, self._pts, keyframe, frame.seq, frame.epoch, frame.media_time_s)

    def _step(self, frame: Frame) -> int:
        last = self._last
        if last is None:
            return 0
        if last.epoch == frame.epoch:
            passed_s = frame.media_time_s - last.media_time_s
        else:
            passed_s = frame.capture.captured_at_s - last.capture.captured_at_s
        return max(1, round(passed_s / TIME_BASE))

    def _picture(self, frame: Frame) -> av.VideoFrame:
        pixels = frame.pixels
        height, width = pixels.shape[:2]
        scale = min(1.0, self._options.view_width_px / width)
        # Colours are stored for squares of two by two pixels.
        size = (max(2, round(width * scale) // 2 * 2), max(2, round(height * scale) // 2 * 2))
        if size != (width, height):
            pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
        return av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(format="yuv420p")


def _encoder(width: int, height: int, bitrate: int) -> VideoCodecContext:
    """VP8 for live video: nothing held back, a constant rate, keyframes only when asked for."""
    encoder = av.CodecContext.create("libvpx", "w")
    encoder.width, encoder.height = width, height
    encoder.bit_rate = bitrate
    encoder.pix_fmt = "yuv420p"
    encoder.time_base = TIME_BASE
    encoder.gop_size = 3000
    encoder.qmin, encoder.qmax = 2, 56
    encoder.thread_count = 1
    encoder.options = {
        "cpu-used": "-8",
        "deadline": "realtime",
        "lag-in-frames": "0",
        "minrate": str(bitrate),
        "maxrate": str(bitrate),
        "bufsize": str(bitrate),
        "overshoot-pct": "15",
        "undershoot-pct": "100",
        "static-thresh": "1",
    }
    return encoder
