"""Pauses between attempts to reach a source again."""

from __future__ import annotations

import random
from typing import Final

FIRST_PAUSE_S: Final = 0.5
EAGER_S: Final = 30.0
LONGEST_PAUSE_S: Final = 15.0


class Backoff:
    """At most 0.5 s, with jitter, in the first 30 s after a loss; then doubling to 15 s.

    A camera that reboots is back within half a minute and should be seen at once; one that is
    gone for hours must not be hammered, nor by many streams in step (scrypted #2115).
    """

    def __init__(self, lost_at_s: float, rng: random.Random) -> None:
        self._lost_at_s = lost_at_s
        self._rng = rng
        self._pause_s = FIRST_PAUSE_S

    def pause_s(self, now_s: float) -> float:
        """How long to wait before the next attempt; each call counts as one failed attempt."""
        if now_s - self._lost_at_s >= EAGER_S:
            self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)
        return self._pause_s * self._rng.uniform(0.5, 1.0)
