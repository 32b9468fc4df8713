"""Load: what share of the box is in use, for those who decide how many streams a box gets."""

from __future__ import annotations

import os
from collections import deque
from pathlib import Path
from typing import Final, NamedTuple

SPAN_S: Final = 15.0
"""Over so long the share is taken: several detections of each stream, and what Prometheus asks."""
MARKS: Final = 32
QUOTA: Final = Path("/sys/fs/cgroup/cpu.max")


class Mark(NamedTuple):
    """What had been used up at a moment: seconds of each inference thread, of all processors."""

    at_s: float
    busy_s: tuple[float, ...]
    process_s: float


class Load:
    """Feed it marks; `share` is 0 when idle, 1 when no more fits. Pure.

    It is the larger of two: the time that the inference threads are at work, which is what a GPU
    has to give, and the processor time used, of the `cores` that this process may use.
    """

    def __init__(self, cores: float) -> None:
        self._cores = cores
        self._marks: deque[Mark] = deque(maxlen=MARKS)

    def add(self, mark: Mark) -> None:
        """Note what has been used by now; those older than `SPAN_S` are forgotten."""
        while len(self._marks) > 1 and mark.at_s - self._marks[1].at_s >= SPAN_S:
            self._marks.popleft()
        self._marks.append(mark)

    @property
    def share(self) -> float:
        """The share in use over the last `SPAN_S`; 0 before the second mark."""
        if len(self._marks) < 2:
            return 0.0
        first, last = self._marks[0], self._marks[-1]
        passed_s = max(last.at_s - first.at_s, 1e-9)
        used = zip(first.busy_s, last.busy_s, strict=True)
        lanes = sum(after - before for before, after in used) / len(last.busy_s)
        cores = (last.process_s - first.process_s) / self._cores
        return max(lanes, cores) / passed_s


def usable_cores(quota: Path = QUOTA) -> float:
    """How many processors this process may keep busy: by its affinity, and by its container's
    quota where `quota` (cgroup v2's ``cpu.max``) states one.
    """
    cores = float(len(os.sched_getaffinity(0)))
    try:
        most, period = quota.read_text(encoding="ascii").split()
        return min(cores, int(most) / int(period))
    except (OSError, ValueError):  # no such file, or the word "max"
        return cores
