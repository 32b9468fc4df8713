"""Timeline: timestamps as they come, made into media time that starts at 0 and only grows."""

from __future__ import annotations

from typing import Final

# Screen recordings pause for seconds; a jump beyond this is a broken or restarted counter, and a
# paced file would stand still for as long.
MAX_GAP_S: Final = 60.0


class Timeline:
    """Media time of one run of one source.

    `interval_s` is the nominal time between pictures: it stands in where a timestamp is missing,
    repeats, runs backwards or leaps by more than `MAX_GAP_S`. After such a break the later
    timestamps are taken from the new base, so one bad value does not disturb the rest.
    """

    def __init__(self, interval_s: float) -> None:
        self._interval_s = interval_s
        self._base_s: float | None = None
        self._last_s: float | None = None

    def place(self, timestamp_s: float | None) -> float:
        """The media time of the next picture: 0 for the first, then always more than the last."""
        if self._last_s is None:
            self._base_s, self._last_s = timestamp_s, 0.0
            return 0.0
        media_s = self._last_s + self._interval_s
        if timestamp_s is not None:
            if self._base_s is None:
                self._base_s = timestamp_s - media_s
            ahead_s = timestamp_s - self._base_s - self._last_s
            if 0 < ahead_s <= MAX_GAP_S:
                media_s = self._last_s + ahead_s
            else:
                self._base_s = timestamp_s - media_s
        self._last_s = max(media_s, self._last_s + 1e-6)
        return self._last_s

    def peek(self, timestamp_s: float) -> float:
        """Where `timestamp_s` would lie by the present base; may be negative. Changes nothing."""
        return timestamp_s - self._base_s if self._base_s is not None else 0.0
