"""Succession: other networks take over while the service runs, if they prove themselves first."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

import numpy as np

from engines.base import Engine
from engines.canary import TOLERANCES, canary_picture, check_canary
from engines.errors import EngineError, InferenceFailed, ModelMismatch
from engines.spec import ModelSpec
from stream.answer import Answer
from stream.lane import Lane, Models
from stream.scheduler import Scheduler

T = TypeVar("T")

LOG: Final = logging.getLogger("deepfakestream")
TOPIC: Final = "replacement"
BATCH: Final = 4


class Succession:
    """Opens networks anew beside those that serve, tests them, and lets them take over between two
    batches. Those that fail a test never serve, and the others serve on; `Scheduler.problems` says
    why until a later attempt succeeds.

    `open_networks` gives one set of networks for each lane; it is called in a thread of its own.
    `taken_over` is called on the event loop with the new detector's spec.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        open_networks: Callable[[], Sequence[Models]],
        taken_over: Callable[[ModelSpec], None],
    ) -> None:
        self._scheduler = scheduler
        self._open = open_networks
        self._taken_over = taken_over
        self._asked = asyncio.Event()
        self._serving: list[Models] = []

    def ask(self, meanwhile: str = "") -> None:
        """Replace the networks soon; asked while a replacement runs, once more after it.

        `meanwhile` is what is degraded until then.
        """
        if meanwhile:
            self._scheduler.tell(TOPIC, meanwhile)
        self._asked.set()

    async def run(self) -> None:
        """Replace as often as it is asked for, until cancelled."""
        while True:
            await self._asked.wait()
            self._asked.clear()
            await self.replace()

    async def replace(self) -> bool:
        """Open, test, take over; whether the new networks serve now."""
        heirs: Sequence[Models] = ()
        try:
            heirs = await _apart(self._open)
            for heir in heirs:
                await _apart(partial(self._examine, heir))
        except (EngineError, OSError) as exc:
            for heir in heirs:
                heir.close()
            LOG.error("the networks were not replaced, the old ones serve on: %s", exc)
            self._scheduler.tell(TOPIC, f"the networks were not replaced: {exc}")
            return False
        for lane, heir in zip(self._scheduler.lanes, heirs, strict=True):
            await lane.succeed(heir)
        self._serving = list(heirs)
        self._taken_over(heirs[0].detector.spec)
        self._scheduler.tell(TOPIC, "")
        LOG.info("new networks have taken over: %s", _told(self._scheduler.lanes[0]))
        return True

    def close(self) -> None:
        """Close what has taken over; called after the lanes have ended."""
        for one in self._serving:
            one.close()

    def _examine(self, heir: Models) -> None:
        """Raises: EngineError that says which test was failed."""
        serving = self._scheduler.lanes[0].models.detector.spec
        spec = heir.detector.spec
        if spec.crop != serving.crop:
            problem = "it takes other crops than the model that serves"
            raise ModelMismatch(Path(spec.name), problem, "restart the program to use it")
        for engine in heir.engines:
            if engine.spec.canary is None:
                raise InferenceFailed(engine.spec.name, "its spec has no canary: export it again")
            result = check_canary(engine, time.perf_counter)
            if not result.ok:
                raise InferenceFailed(engine.spec.name, result.problem)
            _agree(engine)


async def _apart(work: Callable[[], T]) -> T:
    # Not asyncio's own threads: the program would wait for them at its end, minutes for a build.
    answer = Answer[T]()
    threading.Thread(target=answer.settle, args=(work,), name="succession", daemon=True).start()
    return await answer


def _agree(engine: Engine) -> None:
    """A picture must mean the same in a batch and alone: a build for other shapes may not."""
    picture = canary_picture(engine.spec)
    alone, together = engine.infer(picture), engine.infer(np.repeat(picture, BATCH, axis=0))
    for name, values in alone.items():
        limit = TOLERANCES[engine.spec.precision] * max(1.0, float(np.abs(values).max()))
        if not np.abs(together[name] - values).max() <= limit:  # a NaN is not
            problem = f"{name} of a picture differs in a batch of {BATCH}"
            raise InferenceFailed(engine.spec.name, problem)


def _told(lane: Lane) -> str:
    detector = lane.models.detector
    return f"{detector.spec.name} {detector.spec.sha256[:12]} on {detector.provider}"
