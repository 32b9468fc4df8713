"""Backlog: the work that waits for one device, and which of it goes next. Pure; no threads."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from stream.answer import Answer
from stream.types import CropScore, FaceCrop

MOST_WAITING: Final = 1024
"""Nobody puts more than one work at a time, so there are as many as streams and jobs: this is a
fuse against a caller that breaks the rule, not a queue that is meant to fill."""

LIVE_PER_JOB: Final = 16
"""A job that waits gets one turn after so many turns of live work: at most a tenth or so of a
device that live streams fill, for a job's looks cost what theirs do, and never nothing."""


class Urgency(Enum):
    """Who goes first where a device is busy: live work, whose evidence ages; jobs have time."""

    LIVE = "live"
    JOB = "job"


@dataclass(slots=True, eq=False)
class Call:
    """Work of any kind: `run` is called on the device's thread. Where it `nests`, it may be called
    within other work that gives way to it.
    """

    run: Callable[[], Any]
    answer: Answer[Any]
    nests: bool = False


@dataclass(slots=True, eq=False)
class Crops:
    """One stream's crops for the detector; those of several may share a batch."""

    crops: Sequence[FaceCrop]
    answer: Answer[list[CropScore]]


Work = Call | Crops


class Backlog:
    """First come, first served within an urgency; live work before jobs, but for `LIVE_PER_JOB`.

    Crops that wait go together with the first of them, at most `max_batch` at once, with
    ``batching=False`` (files read without pacing) alone, so that scores do not depend on what
    another stream did at the same moment. Nothing ever waits for a batch to fill.
    """

    def __init__(self, *, max_batch: int, batching: bool) -> None:
        self._max_batch = max_batch
        self._batching = batching
        self._waiting: dict[Urgency, deque[Work]] = {
            urgency: deque(maxlen=MOST_WAITING) for urgency in Urgency
        }
        self._live_turns = 0

    def __len__(self) -> int:
        return sum(len(queue) for queue in self._waiting.values())

    def waiting(self, urgency: Urgency) -> int:
        """How many works of one urgency wait."""
        return len(self._waiting[urgency])

    def put(self, work: Work, urgency: Urgency) -> bool:
        """Take in `work`; False, and it is not taken, where `MOST_WAITING` are here already."""
        queue = self._waiting[urgency]
        if len(queue) >= MOST_WAITING:
            return False
        queue.append(work)
        return True

    def take(self) -> tuple[Work, ...]:
        """What goes next: one call, or one or more streams' crops; empty if nothing waits."""
        live, jobs = self._waiting[Urgency.LIVE], self._waiting[Urgency.JOB]
        jobs_turn = bool(jobs) and (not live or self._live_turns >= LIVE_PER_JOB)
        self._live_turns = 0 if jobs_turn or not jobs else self._live_turns + 1
        queue = jobs if jobs_turn else live
        return self._from(queue) if queue else ()

    def take_nesting(self) -> tuple[Work, ...]:
        """As `take`, but only the live work that is next, and only if it nests."""
        live = self._waiting[Urgency.LIVE]
        if not live or (isinstance(live[0], Call) and not live[0].nests):
            return ()
        return self._from(live)

    def _from(self, queue: deque[Work]) -> tuple[Work, ...]:
        first = queue.popleft()
        if isinstance(first, Call) or not self._batching:
            return (first,)
        return (first, *self._fitting(queue, self._max_batch - len(first.crops)))

    @staticmethod
    def _fitting(queue: deque[Work], room: int) -> list[Work]:
        """Take out the crops that wait, in their order, up to the first that do not fit."""
        fitting: list[Work] = []
        for work in [work for work in queue if isinstance(work, Crops)]:
            room -= len(work.crops)
            if room < 0:
                break
            fitting.append(work)
            queue.remove(work)
        return fitting
