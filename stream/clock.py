"""Clocks: one to run by, one to test by, one for files read as fast as they can be."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Monotonic seconds, and the wall clock time that belongs to them."""

    def now_s(self) -> float:
        """Monotonic seconds; only differences mean anything."""

    def wall_s(self, at_s: float) -> float:
        """Seconds since the Unix epoch at the monotonic instant `at_s`."""


class MonotonicClock:
    """The system's clocks. Their distance is read at each call, so wall time follows NTP."""

    def now_s(self) -> float:
        """Seconds of `time.monotonic`."""
        return time.monotonic()

    def wall_s(self, at_s: float) -> float:
        """Wall clock time of the instant `at_s`."""
        return time.time() - (time.monotonic() - at_s)


class ManualClock:
    """A clock that stands still until it is told otherwise.

    Tests move it, and a file read without pacing runs on it: its time is the file's media time,
    the Unix epoch at 0, so that two runs give equal output.
    """

    def __init__(self, now_s: float = 0.0) -> None:
        self._now_s = now_s

    def now_s(self) -> float:
        """The time that it was last set to."""
        return self._now_s

    def wall_s(self, at_s: float) -> float:
        """The same seconds, counted from the Unix epoch."""
        return at_s

    def set(self, now_s: float) -> None:
        """Move to `now_s`; time never goes back."""
        self._now_s = max(self._now_s, now_s)

    def advance(self, seconds: float) -> None:
        """Move on by `seconds`."""
        self.set(self._now_s + seconds)
