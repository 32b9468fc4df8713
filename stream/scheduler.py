"""Scheduler: the detector's engine and the thread that it runs in, shared by all streams."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import TypeVar

import numpy as np

from engines.base import Engine
from stream.analyzer import CropScore
from stream.types import FaceCrop

T = TypeVar("T")


class Scheduler:
    """One inference thread a device; crops of all streams that wait meanwhile share a batch.

    While the thread is busy, crops gather; when it is free they go together, at most `max_batch`
    at once. Nothing waits for a batch to fill: a deadline of zero is kept by construction, and the
    number of crops that can wait is bounded by the streams, each of which has one frame in hand.

    With ``batching=False`` (files read without pacing) each stream's crops run alone, so that the
    output does not depend on what another stream did at the same moment.

    Use it as an async context manager; leaving waits for the call in flight.
    """

    def __init__(self, engine: Engine, *, max_batch: int = 16, batching: bool = True) -> None:
        self.engine = engine
        self._max_batch = max_batch
        self._batching = batching
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="inference")
        self._waiting: list[tuple[Sequence[FaceCrop], asyncio.Future[list[CropScore]]]] = []
        self._running: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Scheduler:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._running:
            await asyncio.wait([self._running])
        await asyncio.to_thread(self._thread.shutdown)

    async def call(self, work: Callable[[], T]) -> T:
        """Run `work` in the inference thread, in turn. Cancelling lets work in flight finish."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def score(self, crops: Sequence[FaceCrop]) -> list[CropScore]:
        """Score one stream's crops, in order.

        Raises: InferenceFailed when the engine fails on the batch that they were in. Cancelling
        drops the answer; the batch itself runs on for the others in it.
        """
        if not crops:
            return []
        future: asyncio.Future[list[CropScore]] = asyncio.get_running_loop().create_future()
        self._waiting.append((crops, future))
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._drain(), name="scheduler")
        return await future

    async def _drain(self) -> None:
        while self._waiting:
            group = self._take()
            crops = [crop for member, _ in group for crop in member]
            try:
                scores = await self.call(lambda crops=crops: self._infer(crops))  # type: ignore[misc]
            except Exception as exc:  # handed to whoever waits: this is the task's edge
                for _, future in group:
                    if not future.done():
                        future.set_exception(exc)
                continue
            start = 0
            for member, future in group:
                if not future.done():
                    future.set_result(scores[start : start + len(member)])
                start += len(member)

    def _take(self) -> list[tuple[Sequence[FaceCrop], asyncio.Future[list[CropScore]]]]:
        group = [self._waiting.pop(0)]
        size = len(group[0][0])
        while self._batching and self._waiting:
            size += len(self._waiting[0][0])
            if size > self._max_batch:
                break
            group.append(self._waiting.pop(0))
        return group

    def _infer(self, crops: Sequence[FaceCrop]) -> list[CropScore]:
        outputs = self.engine.infer(np.stack([crop.pixels for crop in crops]))
        logits, heatmaps = outputs["logit"], outputs["heatmap"]
        return [
            CropScore(float(logit), heatmap)
            for logit, heatmap in zip(logits, heatmaps, strict=True)
        ]
