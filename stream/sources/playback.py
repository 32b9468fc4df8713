"""Playback: a video played once, paced as a camera would send it or as fast as it is taken."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from stream.clock import Clock
from stream.sources.base import Emit
from stream.sources.decoding import Decoder, Picture
from stream.sources.pacing import Pacing
from stream.sources.timeline import Timeline
from stream.types import Capture

log = logging.getLogger(__name__)

_CUT_SHORT_S = 0.5
_CUT_SHORT_SHARE = 0.02


class Playback:
    """One run through a video stream.

    Paced, `captured_at_s` and `arrived_at_s` are the moment at which a camera would have taken the
    picture (the start of playing plus its media time), so latency counts decoding and every delay
    after it. Without pacing all times are media time. `played_s` is how far it came, None before
    the first picture.
    """

    def __init__(self, decoder: Decoder, clock: Clock, *, paced: bool) -> None:
        self._decoder = decoder
        self._clock = clock
        self._paced = paced
        self._timeline = Timeline(decoder.interval_s)
        self.played_s: float | None = None

    def run(
        self, packets: Iterable[av.Packet[VideoStream]], emit: Emit, stop: threading.Event
    ) -> bool:
        """Emit all pictures; True at the end of the video, False when it was left before.

        Raises: what FFmpeg raises while reading.
        """
        pacing = Pacing(self._clock, stop) if self._paced else None
        for packet in packets:
            if stop.is_set() or (pacing and not self._reach(packet, pacing)):
                return False
            for picture in self._decoder.decode(packet):
                if not self._show(picture, pacing, emit) or stop.is_set():
                    return False
        return True

    def warn_if_short(self, container: InputContainer, stream: VideoStream, name: str) -> None:
        """Log a warning when the video is shorter than its header promises."""
        played_s, promise_s = self.played_s or 0.0, promised_s(container, stream)
        if is_short(played_s, promise_s):
            log.warning(
                "%s is cut short: %.1f s of %.1f s could be read", name, played_s, promise_s
            )

    def _reach(self, packet: av.Packet[VideoStream], pacing: Pacing) -> bool:
        # A camera's packet comes when it is to be decoded; with B-frames that is not when it is
        # to be seen. Without a timestamp (the last, empty packet) there is nothing to wait for.
        if packet.dts is None:
            return True
        return pacing.wait(self._timeline.peek(float(packet.dts * packet.time_base)))

    def _show(self, picture: Picture, pacing: Pacing | None, emit: Emit) -> bool:
        media_s = self._timeline.place(picture.timestamp_s)
        self.played_s = media_s + self._decoder.interval_s
        if pacing is None:
            return emit(self._capture(picture, media_s, media_s, media_s))
        pacing.start()
        if not pacing.wait(media_s):
            return False
        return emit(self._capture(picture, media_s, pacing.due_s(media_s), self._clock.now_s()))

    @staticmethod
    def _capture(picture: Picture, media_s: float, due_s: float, decoded_s: float) -> Capture:
        return Capture(
            media_time_s=media_s,
            captured_at_s=due_s,
            arrived_at_s=due_s,
            decoded_at_s=decoded_s,
            clock="arrival",
            size_px=picture.size_px,
            convert=picture.converter(),
            thumbnail=picture.thumbnail,
            corrupt=picture.corrupt,
            quantiser=picture.quantiser,
        )


def promised_s(container: InputContainer, stream: VideoStream) -> float | None:
    """How long the header says that the video plays; None where it does not."""
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    if container.duration is not None and len(container.streams) == 1:
        return container.duration / av.time_base
    return None


def is_short(played_s: float, promise_s: float | None) -> bool:
    """Whether clearly less was played than was promised."""
    if promise_s is None:
        return False
    return promise_s - played_s > max(_CUT_SHORT_S, _CUT_SHORT_SHARE * promise_s)
