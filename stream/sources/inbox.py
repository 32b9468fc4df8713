"""Inbox: coded frames on their way from the event loop to the thread that decodes them."""

from __future__ import annotations

import threading
from collections import deque
from typing import Final, Literal, NamedTuple

Codec = Literal["vp8", "h264"]
MOST_WAITING: Final = 32
"""A second of video. Frames are predicted from one another, so none can be left out alone: a
decoder that is this far behind loses all of them and begins anew at a keyframe."""


class Arrived(NamedTuple):
    """A coded frame and when (monotonic seconds) its last packet was here. `damaged`: something
    that it may be predicted from is missing.
    """

    codec: Codec
    data: bytes
    rtp_timestamp: int
    at_s: float
    damaged: bool


class Inbox:
    """`put` is called on the event loop and never waits; `get` in the decoder's thread.

    `dropped` counts the frames thrown away for a decoder that is too slow.
    """

    def __init__(self) -> None:
        self._frames: deque[Arrived] = deque(maxlen=MOST_WAITING)
        self._news = threading.Condition()
        self._closed = False
        self.dropped = 0

    def put(self, frame: Arrived) -> bool:
        """Add a frame; False when frames had to go, and a keyframe is needed."""
        with self._news:
            overrun = len(self._frames) == MOST_WAITING
            if overrun:
                self.dropped += len(self._frames)
                self._frames.clear()
            self._frames.append(frame._replace(damaged=True) if overrun else frame)
            self._news.notify()
        return not overrun

    def get(self, timeout_s: float) -> Arrived | None:
        """The next frame; None after `timeout_s` without one, or once closed."""
        with self._news:
            self._news.wait_for(lambda: self._frames or self._closed, timeout_s)
            return self._frames.popleft() if self._frames and not self._closed else None

    @property
    def closed(self) -> bool:
        """Whether no more frames will come."""
        return self._closed

    def close(self) -> None:
        """End it; what still waits is of no use to anybody."""
        with self._news:
            self._closed = True
            self._frames.clear()
            self._news.notify_all()
