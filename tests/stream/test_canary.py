"""Canary: engines that compute something else are found out, and so is their recovery."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from engines.errors import InferenceFailed
from stream.canary import Canary
from stream.scheduler import Scheduler
from tests.doubles import ScriptedEngine, ScriptedNetworks, eventually


@asynccontextmanager
async def watched(*engines: ScriptedEngine) -> AsyncIterator[tuple[Scheduler, Canary]]:
    async with Scheduler(*(ScriptedNetworks(engine) for engine in engines)) as scheduler:
        yield scheduler, Canary(scheduler)


async def check(scheduler: Scheduler, canary: Canary) -> tuple[str, ...]:
    for lane in scheduler.lanes:
        await canary.check(lane)
    return tuple(scheduler.problems.values())


async def test_an_engine_that_is_well_is_no_problem() -> None:
    async with watched(ScriptedEngine()) as (scheduler, canary):
        assert await check(scheduler, canary) == ()
        assert await check(scheduler, canary) == ()


async def test_a_failure_is_told_until_it_is_over_and_logged_once_each(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    engine = ScriptedEngine()
    async with watched(engine) as (scheduler, canary):
        for _ in range(2):
            engine.fails = [InferenceFailed("detector", "no memory")]
            (problem,) = await check(scheduler, canary)
            assert "no memory" in problem
        assert await check(scheduler, canary) == ()
    assert [record.levelname for record in caplog.records] == ["ERROR", "INFO"]


async def test_a_fall_to_another_provider_is_a_problem_of_its_own_lane() -> None:
    well, falling = ScriptedEngine(), ScriptedEngine()
    async with watched(well, falling) as (scheduler, canary):
        assert await check(scheduler, canary) == ()
        falling.provider = "CPUExecutionProvider"
        assert await check(scheduler, canary) == (
            "canary: CPUExecutionProvider runs in place of Scripted",
        )
        assert list(scheduler.problems) == ["canary of inference-1"]


async def test_networks_that_took_over_are_compared_with_themselves_alone() -> None:
    async with watched(ScriptedEngine()) as (scheduler, canary):
        await check(scheduler, canary)
        other = ScriptedEngine()
        other.provider = "Another"
        await scheduler.lanes[0].succeed(ScriptedNetworks(other))
        assert await check(scheduler, canary) == ()


async def test_it_goes_on_until_it_is_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stream.canary.INTERVAL_S", 0.0)
    engine = ScriptedEngine()
    async with watched(engine) as (_, canary):
        task = asyncio.create_task(canary.run())
        await eventually(lambda: len(engine.batches) > 8)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
