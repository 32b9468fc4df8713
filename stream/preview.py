"""Preview: JPEG pictures of a stream, encoded only while somebody looks."""

from __future__ import annotations

import asyncio
import struct
from concurrent.futures import Executor
from typing import Final

import cv2

from stream.fanout import Fanout
from stream.types import Frame

HEADER: Final = struct.Struct(">QQ")
"""8 bytes `frame_seq`, 8 bytes media time in microseconds, big endian, before the JPEG."""


class Preview:
    """One encoder a stream, shared by its viewers; the newest frame wins while it is busy.

    `run` is a task of the session; `offer` is called on the loop for each analysed frame.
    """

    def __init__(self, encoder: Executor, width_px: int, fps: float, quality: int) -> None:
        self.pictures: Fanout[bytes] = Fanout()
        self._encoder = encoder
        self._width_px = width_px
        # A little early, or a 30 fps source against a limit of 30 would lose every other frame.
        self._interval_s = 0.8 / fps
        self._quality = quality
        self._newest: Frame | None = None
        self._offered = asyncio.Event()
        self._next_s = float("-inf")

    def offer(self, frame: Frame) -> None:
        """Show `frame` unless nobody looks, or the last one was shown a moment ago."""
        at_s = frame.capture.decoded_at_s
        if not len(self.pictures) or at_s < self._next_s:
            return
        self._next_s = at_s + self._interval_s
        self._newest = frame
        self._offered.set()

    async def run(self) -> None:
        """Encode and publish until cancelled; then end the viewers' subscriptions."""
        loop = asyncio.get_running_loop()
        try:
            while True:
                await self._offered.wait()
                self._offered.clear()
                if (frame := self._newest) is not None:
                    self._newest = None
                    picture = await loop.run_in_executor(self._encoder, self._encode, frame)
                    self.pictures.publish(picture)
        finally:
            self.pictures.close()

    def _encode(self, frame: Frame) -> bytes:
        pixels = frame.pixels
        height, width = pixels.shape[:2]
        if width > self._width_px:
            size = (self._width_px, round(height * self._width_px / width))
            pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
        bgr = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
        _, jpeg = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, self._quality])
        return HEADER.pack(frame.seq, round(frame.media_time_s * 1e6)) + jpeg.tobytes()
