"""Timeline: timestamps as they come, made into media time that starts at 0 and only grows."""

from __future__ import annotations

from typing import Final

# Screen recordings pause for seconds; a jump beyond this is a broken or restarted counter, and a
# paced file would stand still for as long.
MAX_GAP_S: Final = 60.0
# Pictures out of order lie a few intervals behind; more is a counter that was set back.
MAX_BACK_S: Final = 1.0
MAX_BEHIND: Final = 3
_STEP_S: Final = 0.001
_MIN_STEP_S: Final = 1e-6


class Timeline:
    """Media time of one run of one source.

    `interval_s` is the nominal time between pictures, for a picture without a timestamp. One that
    repeats or comes out of order is put right behind its predecessor and moves nothing else, or
    windows would fill with time that never passed. Where timestamps run back by more than
    `MAX_BACK_S`, leap by more than `MAX_GAP_S`, or stand still for more than `MAX_BEHIND` pictures,
    the counter is broken and the later ones count from a new base.
    """

    def __init__(self, interval_s: float) -> None:
        self._interval_s = interval_s
        self._base_s: float | None = None
        self._last_s: float | None = None
        self._behind = 0

    def place(self, timestamp_s: float | None) -> float:
        """The media time of the next picture: 0 for the first, then always more than the last."""
        if self._last_s is None:
            self._base_s, self._last_s = timestamp_s, 0.0
            return 0.0
        if timestamp_s is None:
            media_s = self._last_s + self._interval_s
        else:
            media_s = self._follow(timestamp_s, self._last_s)
        self._last_s = max(media_s, self._last_s + _MIN_STEP_S)
        return self._last_s

    def peek(self, timestamp_s: float) -> float:
        """Where `timestamp_s` would lie by the present base; may be negative. Changes nothing."""
        return timestamp_s - self._base_s if self._base_s is not None else 0.0

    def _follow(self, timestamp_s: float, last_s: float) -> float:
        if self._base_s is not None:
            ahead_s = timestamp_s - self._base_s - last_s
            if _MIN_STEP_S <= ahead_s <= MAX_GAP_S:
                self._behind = 0
                return last_s + ahead_s
            self._behind += 1
            if -MAX_BACK_S <= ahead_s < _MIN_STEP_S and self._behind <= MAX_BEHIND:
                return last_s + _STEP_S
        media_s = last_s + self._interval_s
        self._base_s = timestamp_s - media_s
        return media_s
