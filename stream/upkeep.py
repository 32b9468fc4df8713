"""Upkeep: what goes on beside the streams as long as they are served: canary, succession, load."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Final

from engines.spec import ModelSpec
from stream.canary import Canary
from stream.lane import Models
from stream.load import Load, Mark, usable_cores
from stream.metrics import Metrics
from stream.scheduler import Scheduler
from stream.succession import Succession

MARK_EVERY_S: Final = 1.0


class Upkeep:
    """An async context manager round the life of a service: entering starts its tasks, leaving
    ends them. `succession` may be asked before, too.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        metrics: Metrics,
        open_networks: Callable[[], Sequence[Models]],
        taken_over: Callable[[ModelSpec], None],
    ) -> None:
        self.succession = Succession(scheduler, open_networks, taken_over)
        self._canary = Canary(scheduler)
        self._scheduler = scheduler
        self._load = Load(usable_cores())
        self._tasks: list[asyncio.Task[None]] = []
        metrics.box(lambda: self._load.share, lambda: float(len(scheduler.problems)))

    async def __aenter__(self) -> Upkeep:
        works = {"canary": self._canary.run, "succession": self.succession.run, "load": self._mark}
        self._tasks = [asyncio.create_task(work(), name=name) for name, work in works.items()]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for task in self._tasks:
            task.cancel()
        for outcome in await asyncio.gather(*self._tasks, return_exceptions=True):
            if isinstance(outcome, Exception):
                raise outcome

    async def _mark(self) -> None:
        while True:
            busy_s = tuple(lane.busy_s for lane in self._scheduler.lanes)
            self._load.add(Mark(time.monotonic(), busy_s, time.process_time()))
            await asyncio.sleep(MARK_EVERY_S)
