"""WebRtcSource: the pictures of one peer that publishes, from its coded frames."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Final, cast

import av
from av.video.stream import VideoStream

from stream.clock import Clock
from stream.errors import SourceError
from stream.sources.base import Emit
from stream.sources.decoding import BareStream, Decoder
from stream.sources.inbox import Arrived, Inbox
from stream.sources.live import LiveRelay, NoPictures, Sent
from stream.types import Capture

TIME_BASE: Final = Fraction(1, 90_000)
_LOOK_S: Final = 0.2
_WRAP: Final = 1 << 32


class WebRtcSource:
    """Decodes what arrives until the peer has gone, which is its natural end.

    The capture time is the arrival: visitors' clocks are set by nobody here. `needs_keyframe` is
    called, in the source's thread, when a picture cannot be decoded.
    """

    def __init__(
        self,
        inbox: Inbox,
        clock: Clock,
        name: str,
        *,
        max_pixels: int,
        open_timeout_s: float,
        needs_keyframe: Callable[[], None],
    ) -> None:
        self._inbox = inbox
        self._clock = clock
        self._name = name
        self._max_pixels = max_pixels
        self._open_timeout_s = open_timeout_s
        self._needs_keyframe = needs_keyframe
        self._frame: Arrived | None = None
        self._last: int | None = None
        self._pts = 0
        self.live = True
        self.decoder = ""

    def run(self, emit: Emit, stop: threading.Event) -> None:
        """Emit until the peer has gone or `stop`.

        Raises: SourceError, not retryable: no frame within the open timeout, nothing that can be
        decoded for as long, a picture that is too large, or a change of codec.
        """
        first = self._first(stop)
        if first is None:
            return
        decoder = Decoder(BareStream.of(first.codec))
        self.decoder = decoder.name
        relay = LiveRelay(
            decoder,
            self._clock,
            self._name,
            sent=self._sent,
            patience_s=self._open_timeout_s,
        )
        try:
            relay.run(self._packets(first, decoder, stop), self._checked(emit), stop)
        except NoPictures:
            raise self._error("what it sends cannot be decoded", "send VP8 or H.264") from None

    def _first(self, stop: threading.Event) -> Arrived | None:
        deadline_s = self._clock.now_s() + self._open_timeout_s
        while not stop.is_set() and not self._inbox.closed:
            if (frame := self._inbox.get(_LOOK_S)) is not None:
                return frame
            if self._clock.now_s() > deadline_s:
                problem = f"no video came within {self._open_timeout_s:g} s"
                raise self._error(problem, "check that its camera is on and UDP reaches here")
        return None

    def _packets(
        self, first: Arrived, decoder: Decoder, stop: threading.Event
    ) -> Iterator[av.Packet[VideoStream]]:
        frame: Arrived | None = first
        errors = 0
        while not stop.is_set() and not self._inbox.closed:
            if frame is not None:
                if frame.codec != first.codec:
                    raise self._error("it changed its codec", "publish anew")
                self._frame = frame
                yield self._packet(frame)
                if decoder.errors > errors:
                    errors = decoder.errors
                    self._needs_keyframe()
            frame = self._inbox.get(_LOOK_S)

    def _packet(self, frame: Arrived) -> av.Packet[VideoStream]:
        """The frame for the decoder; its time counts on where the 32 bits of RTP begin anew."""
        if self._last is not None:
            step = (frame.rtp_timestamp - self._last) % _WRAP
            self._pts += step - _WRAP if step >= _WRAP // 2 else step
        self._last = frame.rtp_timestamp
        packet = av.Packet(frame.data)
        packet.pts, packet.time_base = self._pts, TIME_BASE
        packet.is_corrupt = frame.damaged
        return cast("av.Packet[VideoStream]", packet)

    def _sent(self, packet: av.Packet[VideoStream]) -> Sent:
        # The relay asks for each packet as it takes it, so it is the one that was given last.
        frame = self._frame
        return Sent(None) if frame is None else Sent(None, frame.rtp_timestamp, frame.at_s)

    def _checked(self, emit: Emit) -> Emit:
        def passes(capture: Capture) -> bool:
            width, height = capture.size_px
            if width * height > self._max_pixels:
                raise self._error(
                    f"its picture of {width}×{height} is too large",
                    f"send at most {self._max_pixels} pixels",
                )
            return emit(capture)

        return passes

    def _error(self, problem: str, remedy: str) -> SourceError:
        return SourceError(self._name, problem, remedy, retryable=False)
