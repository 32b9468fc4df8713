"""Lane: one thread a device, its own networks, its own order."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest

from engines.errors import InferenceFailed
from stream.backlog import Urgency
from stream.faces.options import FacesOptions
from stream.lane import Lane, LaneCascade, Models
from tests.doubles import DEADLINE_S, NoFaces, ScriptedNetworks


@asynccontextmanager
async def lane_over(models: Models | None = None) -> AsyncIterator[Lane]:
    lane = Lane(models or ScriptedNetworks(), max_batch=16, batching=True, name="inference-0")
    try:
        yield lane
    finally:
        await asyncio.to_thread(lane.close)


@asynccontextmanager
async def held(lane: Lane) -> AsyncIterator[None]:
    """The lane busy with one call until the block ends."""
    gate, inside = threading.Event(), threading.Event()

    def stand_still() -> None:
        inside.set()
        assert gate.wait(DEADLINE_S)

    task = asyncio.create_task(lane.call(stand_still))
    await asyncio.to_thread(inside.wait, DEADLINE_S)
    try:
        yield
    finally:
        gate.set()
        await task


async def test_a_job_yields_to_live_work_that_came_later() -> None:
    order: list[str] = []
    async with lane_over() as lane:
        async with held(lane):
            works = [
                asyncio.create_task(lane.call(lambda: order.append("job"), Urgency.JOB)),
                asyncio.create_task(lane.call(lambda: order.append("live"))),
            ]
            await asyncio.sleep(0)
        await asyncio.gather(*works)
    assert order == ["live", "job"]


async def test_load_counts_what_waits_and_what_runs_from_the_moment_it_is_put() -> None:
    async with lane_over() as lane:
        assert lane.load == 0
        async with held(lane):
            tasks = [asyncio.create_task(lane.call(lambda: None)) for _ in range(2)]
            await asyncio.sleep(0)
            assert lane.load == 3
        await asyncio.gather(*tasks)


async def test_the_time_at_work_is_added_up() -> None:
    async with lane_over() as lane:
        assert lane.busy_s == 0.0
        async with held(lane):
            await asyncio.sleep(0.02)
        await lane.call(lambda: None)
        assert lane.busy_s >= 0.02


async def test_work_withdrawn_while_it_waits_is_never_run() -> None:
    ran: list[str] = []
    async with lane_over() as lane:
        async with held(lane):
            gone = asyncio.create_task(lane.call(lambda: ran.append("gone")))
            await asyncio.sleep(0)
            gone.cancel()
            await asyncio.wait([gone])  # the withdrawal reaches the lane before it is free
        await lane.call(lambda: ran.append("next"))
    assert ran == ["next"]


async def test_after_the_end_nothing_is_taken() -> None:
    async with lane_over() as lane:
        await lane.call(lambda: None)
    with pytest.raises(InferenceFailed, match="closed"):
        await lane.call(lambda: None)


async def test_more_than_may_wait_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stream.backlog.MOST_WAITING", 1)
    async with lane_over() as lane, held(lane):
        kept = asyncio.create_task(lane.call(lambda: 5))
        await asyncio.sleep(0)
        with pytest.raises(InferenceFailed, match="too much work waits"):
            await lane.call(lambda: None)
    assert await kept == 5


async def nested(lane: Lane, *works: Any) -> list[str]:
    """What has run when a work has given way once for each of `works`, which wait meanwhile: their
    (name, keywords).
    """
    ran: list[str] = []
    inside, gate = threading.Event(), threading.Event()

    def long_work() -> list[str]:
        inside.set()
        assert gate.wait(DEADLINE_S)
        for _ in works:
            lane.give_way()
        return [*ran]

    def short_work(name: str) -> None:
        lane.give_way()
        ran.append(name)

    running = asyncio.create_task(lane.call(long_work))
    await asyncio.to_thread(inside.wait, DEADLINE_S)
    waiting = [
        asyncio.create_task(lane.call(lambda name=name: short_work(name), **how))  # type: ignore[misc]
        for name, how in works
    ]
    await asyncio.sleep(0)
    gate.set()
    meanwhile = await running
    await asyncio.gather(*waiting)
    assert sorted(ran) == sorted(name for name, _ in works)
    return meanwhile


async def test_long_work_gives_way_to_live_looks_in_their_order() -> None:
    async with lane_over() as lane:
        assert await nested(lane, ("a", {"nests": True}), ("b", {"nests": True})) == ["a", "b"]
        assert lane.load == 0


async def test_long_work_gives_way_neither_to_jobs_nor_past_what_must_run_alone() -> None:
    job = ("job", {"nests": True, "urgency": Urgency.JOB})
    async with lane_over() as lane:
        assert await nested(lane, job, ("look", {"nests": True})) == ["look"]
        assert await nested(lane, ("alone", {}), ("look", {"nests": True})) == []


class Finds(NoFaces):
    """A cascade that notes who asks."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.asked: list[str] = []

    def detect(self, pixels: Any) -> list[Any]:
        self.asked.append("detect")
        return []

    def refine(self, pixels: Any, boxes: Any) -> list[Any]:
        self.asked.append("refine")
        return [None] * len(boxes)


class Owning(ScriptedNetworks):
    def __init__(self, name: str) -> None:
        super().__init__()
        self.finds = Finds(name)

    def cascade(self, options: Any, pause: Any) -> Finds:
        return self.finds


async def test_faces_are_looked_for_with_the_networks_of_the_lane_that_runs_the_work() -> None:
    pixels, boxes = np.zeros((4, 4, 3), np.uint8), np.zeros((2, 4), np.float32)
    one, other = Owning("one"), Owning("other")
    cascade = LaneCascade(FacesOptions())
    async with lane_over(one) as first, lane_over(other) as second:
        assert await first.call(lambda: cascade.detect(pixels)) == []
        assert await second.call(lambda: cascade.refine(pixels, boxes)) == [None, None]
    assert (one.finds.asked, other.finds.asked) == (["detect"], ["refine"])


def test_faces_cannot_be_looked_for_outside_a_lane() -> None:
    with pytest.raises(AssertionError, match=r"Scheduler\.call"):
        LaneCascade(FacesOptions()).detect(np.zeros((4, 4, 3), np.uint8))
