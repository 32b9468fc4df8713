"""Lateness: notices that pictures wait in the network's buffers, and which to leave undecoded.

A connection's buffers hold half a minute of a camera's film. A machine that decodes too slowly
would show ever older pictures, up to all of it, although nothing waits in the program itself: so
what has waited for too long is thrown away unread, up to a keyframe that has not.
"""

from __future__ import annotations

from typing import Final

BEHIND_S: Final = 0.7
"""Waiting that no jitter explains; a camera's keyframe of hundreds of kilobytes takes less."""
PATIENCE_S: Final = 2.0
"""Buffers are read empty sooner than this. What still comes late comes so from the camera, and
leaving out more would not make it younger."""
CREEP: Final = 2e-4
"""Seconds a second that a camera's clock and this one may drift apart."""
BACK_S: Final = 1.0


class Lateness:
    """Judges packets by how much later they are read than the promptest one was.

    Needs no wall clock of the camera's: only its timestamps, seconds on whatever clock, which are
    to advance as time does. When they leap back, or stay late, it starts anew. `skipped` counts the
    packets that were left out.
    """

    def __init__(self) -> None:
        self.skipped = 0
        self._least_s: float | None = None
        self._newest_s = float("-inf")
        self._read_at_s = 0.0
        self._skips_since_s: float | None = None

    def leaves_out(self, timestamp_s: float | None, keyframe: bool, now_s: float) -> bool:
        """Whether a packet that was read at `now_s` is not worth decoding.

        One without a timestamp always is, unless those before it were left out.
        """
        if timestamp_s is not None:
            late_s = self._late_s(timestamp_s, now_s)
            if late_s > BEHIND_S and self._skips_since_s is None:
                self._skips_since_s = now_s
            elif keyframe and late_s <= BEHIND_S:
                self._skips_since_s = None
        if self._skips_since_s is None:
            return False
        if now_s - self._skips_since_s > PATIENCE_S:
            self._least_s = None
            if keyframe:
                self._skips_since_s = None
                return False
        self.skipped += 1
        return True

    def _late_s(self, timestamp_s: float, now_s: float) -> float:
        delay_s = now_s - timestamp_s
        if self._least_s is None or timestamp_s < self._newest_s - BACK_S:
            self._least_s, self._newest_s = delay_s, timestamp_s
        else:
            # What counts as prompt may grow a little, or a slow clock would end up late.
            crept_s = self._least_s + CREEP * (now_s - self._read_at_s)
            self._least_s = min(delay_s, crept_s)
        self._newest_s = max(self._newest_s, timestamp_s)
        self._read_at_s = now_s
        return delay_s - self._least_s
