"""Canary: asks the engines every minute whether they still compute what their specs say."""

from __future__ import annotations

import asyncio
import logging
import time
from itertools import zip_longest
from typing import Final

from engines.canary import CanaryResult, check_canary
from engines.errors import EngineError
from stream.backlog import Urgency
from stream.lane import Lane, Models
from stream.scheduler import Scheduler

LOG: Final = logging.getLogger("deepfakestream")
INTERVAL_S: Final = 60.0


class Canary:
    """Runs a known picture through each network of each lane, in the lane's thread as a job: live
    work goes before it.

    What is wrong stands in `Scheduler.problems` until it is right again: another answer than the
    spec's, another provider than at the start, or, off the processor, many times the time.
    """

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._first: dict[str, tuple[Models, tuple[CanaryResult, ...]]] = {}

    async def run(self) -> None:
        """Check at once and then every `INTERVAL_S`, until cancelled."""
        while True:
            for lane in self._scheduler.lanes:
                await self.check(lane)
            await asyncio.sleep(INTERVAL_S)

    async def check(self, lane: Lane) -> None:
        """Check the networks that `lane` has by now."""
        try:
            problem = await lane.call(lambda: self._problem(lane), Urgency.JOB)
        except EngineError as exc:
            problem = str(exc)
        topic = f"canary of {lane.name}"
        if problem != self._scheduler.problems.get(topic, ""):
            LOG.log(*(_worse(lane, problem) if problem else _well(lane)))
        self._scheduler.tell(topic, problem)

    def _problem(self, lane: Lane) -> str:
        # In the lane's thread. What took over in the meantime is compared with itself alone.
        models, first = self._first.get(lane.name, (None, ()))
        known = first if models is lane.models else ()
        results = []
        for engine, before in zip_longest(lane.models.engines, known):
            result = check_canary(engine, time.perf_counter, before)
            if not result.ok:
                return result.problem
            results.append(before or result)
        self._first[lane.name] = (lane.models, tuple(results))
        return ""


def _worse(lane: Lane, problem: str) -> tuple[int, str, str, str]:
    return logging.ERROR, "%s: %s", lane.name, problem


def _well(lane: Lane) -> tuple[int, str, str]:
    return logging.INFO, "%s: its canary is well again", lane.name
