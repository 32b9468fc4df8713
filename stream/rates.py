"""RateMeter: frames in and crops scored a second, for the health line."""

from __future__ import annotations

from collections import deque
from typing import Final, NamedTuple

RATE_WINDOW_S: Final = 3.0


class _Mark(NamedTuple):
    at_s: float
    frame_seq: int
    scored_total: int


class RateMeter:
    """Frames decoded and crops scored a second, over the last `RATE_WINDOW_S`.

    Rates come from the numbers of the frames that were looked at, so frames that were dropped
    between them count as decoded, and no second thread has to be asked.
    """

    def __init__(self) -> None:
        self._marks: deque[_Mark] = deque()
        self._scored_total = 0

    def mark(self, decoded_at_s: float, frame_seq: int, scored: int) -> None:
        """Note an analysed frame and how many of its faces the network scored."""
        self._scored_total += scored
        self._marks.append(_Mark(decoded_at_s, frame_seq, self._scored_total))
        while self._marks[-1].at_s - self._marks[0].at_s > RATE_WINDOW_S:
            self._marks.popleft()

    def restart(self) -> None:
        """Forget the past: a pause between two connections is no slow camera."""
        self._marks.clear()

    def rates(self) -> tuple[float, float]:
        """Frames in and crops scored a second; 0 until two frames are known."""
        if len(self._marks) < 2:
            return 0.0, 0.0
        first, last = self._marks[0], self._marks[-1]
        span_s = last.at_s - first.at_s
        if span_s <= 0:
            return 0.0, 0.0
        frames = (last.frame_seq - first.frame_seq) / span_s
        return frames, (last.scored_total - first.scored_total) / span_s
