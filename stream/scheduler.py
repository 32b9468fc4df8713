"""Scheduler: the lanes of all devices, shared by all streams and jobs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import TypeVar

from engines.errors import EngineError
from stream.backlog import Urgency
from stream.lane import Lane, Models
from stream.types import CropScore, FaceCrop

__all__ = ["Look", "Scheduler", "Urgency"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Look:
    """What came of one look: the `crops` that were due, their `scores` in order, when it was known
    who is there, and the `fault` for which there are no scores.
    """

    crops: tuple[FaceCrop, ...]
    scores: Sequence[CropScore]
    faces_at_s: float
    fault: EngineError | None = None


class Scheduler:
    """One lane a device; each work goes to the lane with the least to do, in turn among equals.

    While an accelerator is busy, crops gather; when it is free they go together, at most
    `max_batch` at once; on a processor those of a look are scored with it. Nothing waits for a
    batch to fill: a deadline of zero is kept by construction, and the work that can wait is bounded
    by the streams and jobs, each of which has one frame in hand.

    Live work goes before jobs; see `Backlog`. With ``batching=False`` (files read without pacing)
    each stream's crops run alone.

    `problems` says what is wrong with the devices, by topic: every stream is degraded by it.

    Use it as an async context manager; leaving waits for the work that was put in.
    """

    def __init__(self, *models: Models, max_batch: int = 16, batching: bool = True) -> None:
        self.lanes = tuple(
            Lane(one, max_batch=max_batch, batching=batching, name=f"inference-{number}")
            for number, one in enumerate(models)
        )
        self.problems: dict[str, str] = {}
        self._turn = 0

    async def __aenter__(self) -> Scheduler:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for lane in self.lanes:
            await asyncio.to_thread(lane.close)

    @property
    def engine_name(self) -> str:
        """Which runtime serves by now: while one is built, another stands in."""
        return self.lanes[0].models.engine_name

    @property
    def engine_told(self) -> str:
        """The same for people, with the detector's precision where that is not fp32."""
        models = self.lanes[0].models
        precision = models.detector.spec.precision
        return models.engine_name if precision == "fp32" else f"{models.engine_name} {precision}"

    def tell(self, topic: str, problem: str) -> None:
        """State what is wrong with the devices in the matter of `topic`; "" when nothing is."""
        self.problems.pop(topic, None)
        if problem:
            self.problems[topic] = problem

    @property
    def busy(self) -> bool:
        """Whether live work waits for every lane: what can be put off should be."""
        return all(lane.waiting for lane in self.lanes)

    async def call(self, work: Callable[[], T], urgency: Urgency = Urgency.LIVE) -> T:
        """Run `work` in a lane's thread, in turn; there `LaneCascade` finds its networks.

        Cancelling withdraws work that waits, and lets work in flight finish.
        """
        return await self._least_busy().call(work, urgency)

    async def look(
        self,
        find: Callable[[], Sequence[FaceCrop]],
        now_s: Callable[[], float],
        urgency: Urgency = Urgency.LIVE,
    ) -> Look:
        """Run `find` as `call` does, and score what it gives: at once, without going back to the
        event loop, or as `score` does where live work waits for an accelerator.

        Raises: what `find` raises. Cancelling withdraws what waits.
        """
        lane = self._least_busy()

        def work() -> tuple[Look, bool]:
            crops = tuple(find())
            look = Look(crops, (), now_s())
            try:
                scores = lane.score_at_once(crops)
            except EngineError as exc:
                return replace(look, fault=exc), True
            return replace(look, scores=scores or ()), scores is not None

        look, done = await lane.call(work, urgency, nests=True)
        if done:
            return look
        try:
            return replace(look, scores=await self.score(look.crops, urgency))
        except EngineError as exc:
            return replace(look, fault=exc)

    async def score(
        self, crops: Sequence[FaceCrop], urgency: Urgency = Urgency.LIVE
    ) -> list[CropScore]:
        """Score one stream's crops, in order.

        Raises: InferenceFailed when the engine fails on the batch that they were in. Cancelling
        drops the answer; a batch in flight runs on for the others in it.
        """
        return await self._least_busy().score(crops, urgency) if crops else []

    def _least_busy(self) -> Lane:
        # Choosing and putting happen without a pause on the event loop: two callers never choose
        # by the same count. The turn goes on, or equal lanes would leave the later ones idle.
        self._turn = (self._turn + 1) % len(self.lanes)
        order = (*self.lanes[self._turn :], *self.lanes[: self._turn])
        return min(order, key=lambda lane: lane.load)
