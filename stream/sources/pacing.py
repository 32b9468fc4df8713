"""Pacing: when each picture of a file is due, if a camera were taking it."""

from __future__ import annotations

import logging
import threading
from typing import Final

from stream.clock import Clock

log = logging.getLogger(__name__)

# Behind by more than this, the machine cannot keep up: the film then waits, as delay that grows
# without end would help nobody.
MAX_LATE_S: Final = 1.0
# A clock other than the system's may move while this thread waits.
_LOOK_AGAIN_S: Final = 0.1


class Pacing:
    """Media time laid onto a clock; waiting for it ends at once when `stop` is set."""

    def __init__(self, clock: Clock, stop: threading.Event) -> None:
        self._clock = clock
        self._stop = stop
        self._base_s: float | None = None
        self._warned = False

    def start(self) -> None:
        """Media time 0 is now; later calls change nothing."""
        if self._base_s is None:
            self._base_s = self._clock.now_s()

    def due_s(self, media_s: float) -> float:
        """The clock's time of `media_s`; now, before `start`."""
        return self._clock.now_s() if self._base_s is None else self._base_s + media_s

    def wait(self, media_s: float) -> bool:
        """Wait until `media_s` is due; False when `stop` was set instead. Before `start` nothing
        is waited for.
        """
        if self._base_s is None:
            return not self._stop.is_set()
        while (left_s := self.due_s(media_s) - self._clock.now_s()) > 0:
            if self._stop.wait(min(left_s, _LOOK_AGAIN_S)):
                return False
        if left_s < -MAX_LATE_S:
            self._base_s -= left_s
            if not self._warned:
                log.warning("a file cannot be decoded as fast as it plays: it is shown more slowly")
            self._warned = True
        return not self._stop.is_set()
