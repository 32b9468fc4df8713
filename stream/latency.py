"""Latency of the hops of one stream, from capture to sent: percentiles over all or the newest."""

from __future__ import annotations

from collections import deque
from typing import Final, Literal

import numpy as np

Hop = Literal["decoded", "faces", "scored", "sent"]
HOPS: Final[tuple[Hop, ...]] = ("decoded", "faces", "scored", "sent")
KEPT: Final = 50_000
"""Samples kept for percentiles: half an hour at 30 fps; older ones make room, `count` goes on."""


class LatencyRecord:
    """Milliseconds from capture to one hop."""

    def __init__(self) -> None:
        self._kept_ms: deque[float] = deque(maxlen=KEPT)
        self.count = 0

    def add(self, latency_ms: float) -> None:
        """Take one sample."""
        self._kept_ms.append(latency_ms)
        self.count += 1

    def summary(self) -> dict[str, float | int | None]:
        """p50, p95 and p99 in ms (None without a sample) and the number of samples."""
        if not self._kept_ms:
            return {"p50": None, "p95": None, "p99": None, "count": 0}
        p50, p95, p99 = np.percentile(np.asarray(self._kept_ms), (50, 95, 99))
        values = {"p50": p50, "p95": p95, "p99": p99}
        return {**{k: round(float(v), 2) for k, v in values.items()}, "count": self.count}
