"""Scheduler: a thread a device; what waits goes together; failures reach whom they concern."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from numpy.typing import NDArray

from engines.base import Outputs
from engines.errors import InferenceFailed
from stream.scheduler import Scheduler, Urgency
from stream.types import CropScore, FaceCrop
from tests import builders
from tests.doubles import DEADLINE_S, ScriptedEngine, ScriptedNetworks, eventually


def crops(*values: int) -> list[FaceCrop]:
    """Crops that the scripted engine gives the logits `values` less 128."""
    return [builders.crop(index, value=value) for index, value in enumerate(values)]


def logits(scores: list[CropScore]) -> list[float]:
    return [score.logit for score in scores]


@asynccontextmanager
async def busy(
    scheduler: Scheduler, engine: ScriptedEngine
) -> AsyncIterator[asyncio.Task[list[CropScore]]]:
    """The inference thread held in a first batch until the block ends."""
    engine.gate.clear()
    engine.entered.clear()
    first = asyncio.create_task(scheduler.score(crops(0)))
    await asyncio.to_thread(engine.entered.wait, DEADLINE_S)
    try:
        yield first
    finally:
        engine.gate.set()


async def test_scores_come_back_in_order() -> None:
    async with Scheduler(ScriptedNetworks()) as scheduler:
        scores = await scheduler.score(crops(138, 118, 128))
    assert logits(scores) == [10.0, -10.0, 0.0]
    assert scores[0].heatmap.shape == (14, 14)


async def test_no_crops_need_no_call() -> None:
    engine = ScriptedEngine()
    async with Scheduler(ScriptedNetworks(engine)) as scheduler:
        assert await scheduler.score([]) == []
    assert engine.batches == []


async def test_crops_that_wait_meanwhile_share_a_batch_and_get_their_own_scores() -> None:
    engine = ScriptedEngine()
    async with Scheduler(ScriptedNetworks(engine)) as scheduler:
        async with busy(scheduler, engine):
            waiting = [
                asyncio.create_task(scheduler.score(crops(*values)))
                for values in ((129,), (130, 131), (132,))
            ]
            await asyncio.sleep(0)
        answers = await asyncio.gather(*waiting)
    assert engine.batches == [1, 4]
    assert [logits(scores) for scores in answers] == [[1.0], [2.0, 3.0], [4.0]]


async def test_a_batch_is_never_larger_than_allowed() -> None:
    engine = ScriptedEngine()
    async with Scheduler(ScriptedNetworks(engine), max_batch=3) as scheduler:
        async with busy(scheduler, engine):
            waiting = [asyncio.create_task(scheduler.score(crops(128, 128))) for _ in range(3)]
            await asyncio.sleep(0)
        await asyncio.gather(*waiting)
    assert engine.batches == [1, 2, 2, 2]


async def test_without_batching_each_streams_crops_run_alone() -> None:
    engine = ScriptedEngine()
    async with Scheduler(ScriptedNetworks(engine), batching=False) as scheduler:
        async with busy(scheduler, engine):
            waiting = [asyncio.create_task(scheduler.score(crops(128, 128))) for _ in range(3)]
            await asyncio.sleep(0)
        await asyncio.gather(*waiting)
    assert engine.batches == [1, 2, 2, 2]


async def test_all_work_is_done_in_one_thread_that_is_not_the_loops() -> None:
    engine = ScriptedEngine()
    async with Scheduler(ScriptedNetworks(engine)) as scheduler:
        await scheduler.score(crops(128))
        thread = await scheduler.call(lambda: threading.current_thread().name)
    assert engine.threads == {thread}
    assert thread != threading.current_thread().name


async def test_what_work_raises_reaches_its_caller() -> None:
    def work() -> None:
        raise InferenceFailed("pnet", "no memory")

    async with Scheduler(ScriptedNetworks()) as scheduler:
        with pytest.raises(InferenceFailed, match="no memory"):
            await scheduler.call(work)


async def test_a_batch_that_fails_fails_for_all_in_it_and_the_next_one_runs() -> None:
    engine = ScriptedEngine()
    async with Scheduler(ScriptedNetworks(engine)) as scheduler:
        async with busy(scheduler, engine) as first:
            waiting = [asyncio.create_task(scheduler.score(crops(128))) for _ in range(2)]
            await asyncio.sleep(0)
            engine.fails = [InferenceFailed("detector", "once"), InferenceFailed("detector", "two")]
        outcomes = await asyncio.gather(first, *waiting, return_exceptions=True)
        assert [str(outcome)[-4:] for outcome in outcomes] == ["once", " two", " two"]
        assert logits(await scheduler.score(crops(130))) == [2.0]


async def test_a_cancelled_caller_leaves_the_others_scores_alone() -> None:
    engine = ScriptedEngine()
    async with Scheduler(ScriptedNetworks(engine)) as scheduler:
        async with busy(scheduler, engine) as first:
            gone = asyncio.create_task(scheduler.score(crops(129)))
            kept = asyncio.create_task(scheduler.score(crops(130)))
            await asyncio.sleep(0)
            gone.cancel()
            first.cancel()
        assert logits(await kept) == [2.0]
        outcomes = await asyncio.gather(gone, first, return_exceptions=True)
        assert all(isinstance(outcome, asyncio.CancelledError) for outcome in outcomes)


async def test_a_failure_after_everybody_left_is_nobodys() -> None:
    engine = ScriptedEngine()
    async with Scheduler(ScriptedNetworks(engine)) as scheduler:
        async with busy(scheduler, engine) as first:
            engine.fails = [InferenceFailed("detector", "unheard")]
            first.cancel()
            await asyncio.gather(first, return_exceptions=True)
        assert logits(await scheduler.score(crops(129))) == [1.0]


async def test_leaving_waits_for_the_call_in_flight() -> None:
    engine = ScriptedEngine()
    scheduler = Scheduler(ScriptedNetworks(engine))
    async with busy(scheduler, engine) as first:
        leaving = asyncio.create_task(scheduler.__aexit__(None, None, None))
        await asyncio.sleep(0.02)
        assert not leaving.done()
    await asyncio.wait_for(leaving, DEADLINE_S)
    assert logits(await first) == [-128.0]
    await eventually(lambda: not any(t.name.startswith("inference") for t in threading.enumerate()))


async def test_leaving_without_ever_having_run_is_no_trouble() -> None:
    async with Scheduler(ScriptedNetworks()):
        pass


# -- several devices ----------------------------------------------------------------------------


async def test_work_goes_to_the_device_with_the_least_to_do() -> None:
    one, other = ScriptedEngine(), ScriptedEngine()
    async with Scheduler(ScriptedNetworks(one), ScriptedNetworks(other)) as scheduler:
        one.gate.clear()
        other.gate.clear()
        tasks = [asyncio.create_task(scheduler.score(crops(128))) for _ in range(4)]
        await asyncio.sleep(0)
        # Put by one turn of the loop, before any thread has answered: counted as they were put.
        assert [lane.load for lane in scheduler.lanes] == [2, 2]
        one.gate.set()
        other.gate.set()
        await asyncio.gather(*tasks)
    assert sum(one.batches) == sum(other.batches) == 2


async def test_devices_that_idle_take_turns() -> None:
    engines = [ScriptedEngine() for _ in range(3)]
    async with Scheduler(*(ScriptedNetworks(engine) for engine in engines)) as scheduler:
        for _ in range(6):
            await scheduler.score(crops(128))
            await eventually(lambda: not any(lane.load for lane in scheduler.lanes))
    assert [engine.batches for engine in engines] == [[1, 1]] * 3


async def test_a_job_waits_for_live_work() -> None:
    engine = ScriptedEngine()
    async with Scheduler(ScriptedNetworks(engine)) as scheduler:
        async with busy(scheduler, engine):
            job = asyncio.create_task(scheduler.score(crops(129, 129, 129), Urgency.JOB))
            await asyncio.sleep(0)
            live = asyncio.create_task(scheduler.score(crops(130, 130)))
            await asyncio.sleep(0)
        await asyncio.gather(job, live)
    assert engine.batches == [1, 2, 3]


async def test_it_is_busy_while_live_work_waits_for_every_device() -> None:
    one, other = ScriptedEngine(), ScriptedEngine()
    async with Scheduler(ScriptedNetworks(one), ScriptedNetworks(other)) as scheduler:
        for engine in (one, other):
            engine.gate.clear()
        jobs = [asyncio.create_task(scheduler.score(crops(128), Urgency.JOB)) for _ in range(4)]
        for engine in (one, other):
            await asyncio.to_thread(engine.entered.wait, DEADLINE_S)
        assert not scheduler.busy, "jobs wait, which is what they are for"
        lives = [asyncio.create_task(scheduler.score(crops(128))) for _ in range(2)]
        await asyncio.sleep(0)
        assert scheduler.busy
        for engine in (one, other):
            engine.gate.set()
        await asyncio.gather(*jobs, *lives)
        assert not scheduler.busy


# -- a look, and the scores of what it found ----------------------------------------------------


async def test_a_look_that_is_alone_is_scored_without_another_turn() -> None:
    engine = ScriptedEngine()
    async with Scheduler(ScriptedNetworks(engine)) as scheduler:
        calls: list[str] = []
        lane = scheduler.lanes[0]

        def find() -> list[FaceCrop]:
            calls.append(threading.current_thread().name)
            assert lane.load == 1
            return crops(138, 118)

        look = await scheduler.look(find, lambda: 7.5)
    assert [score.logit for score in look.scores] == [10.0, -10.0]
    assert (len(look.crops), look.faces_at_s, look.fault) == (2, 7.5, None)
    assert calls == ["inference-0"]
    assert engine.batches == [2]


async def test_looks_that_come_together_share_a_batch() -> None:
    engine = ScriptedEngine()
    async with Scheduler(ScriptedNetworks(engine)) as scheduler:
        async with busy(scheduler, engine):
            looks = [
                asyncio.create_task(scheduler.look(lambda: crops(129), lambda: 0.0))
                for _ in range(3)
            ]
            await asyncio.sleep(0)
        ended = await asyncio.gather(*looks)
    assert sum(engine.batches) == 4
    assert all([score.logit for score in look.scores] == [1.0] for look in ended)


@pytest.mark.parametrize(
    ("device", "urgency", "expected"),
    [
        ("cpu", Urgency.LIVE, ["look", "other"]),
        ("cuda:0", Urgency.LIVE, ["other", "look"]),
        ("cuda:0", Urgency.JOB, ["look", "other"]),
    ],
)
async def test_crops_of_a_look_leave_an_accelerator_to_live_work_that_waits(
    device: str, urgency: Urgency, expected: list[str]
) -> None:
    order: list[str] = []
    engine = ScriptedEngine()
    engine.device = device
    async with Scheduler(ScriptedNetworks(engine)) as scheduler:
        lane = scheduler.lanes[0]
        inside, gate = threading.Event(), threading.Event()

        def find() -> list[FaceCrop]:
            inside.set()
            assert gate.wait(DEADLINE_S)
            return crops(138)

        infer = engine.infer

        def noting(batch: NDArray[Any]) -> Outputs:
            order.append("look")
            return infer(batch)

        engine.infer = noting  # type: ignore[method-assign]

        looking = asyncio.create_task(scheduler.look(find, lambda: 0.0))
        await asyncio.to_thread(inside.wait, DEADLINE_S)
        other = asyncio.create_task(lane.call(lambda: order.append("other"), urgency))
        await asyncio.sleep(0)
        gate.set()
        look = await looking
        await other
    assert order == expected
    assert [score.logit for score in look.scores] == [10.0]


async def test_a_look_without_crops_asks_no_detector() -> None:
    engine = ScriptedEngine()
    async with Scheduler(ScriptedNetworks(engine)) as scheduler:
        look = await scheduler.look(list, lambda: 1.0)
    assert (look.crops, look.scores, look.fault) == ((), (), None)
    assert engine.batches == []


async def test_a_fault_of_the_detector_leaves_what_was_found() -> None:
    engine = ScriptedEngine()
    fault = InferenceFailed("detector", "no memory")
    async with Scheduler(ScriptedNetworks(engine)) as scheduler:
        engine.fails = [fault]
        look = await scheduler.look(lambda: crops(138), lambda: 0.0)
        assert (len(look.crops), look.scores, look.fault) == (1, (), fault)
        async with busy(scheduler, engine):
            looking = asyncio.create_task(scheduler.look(lambda: crops(138), lambda: 0.0))
            await asyncio.sleep(0)
            waits = asyncio.create_task(scheduler.call(lambda: None))
            await asyncio.sleep(0)
        await waits
        assert [score.logit for score in (await looking).scores] == [10.0]


async def test_a_look_that_fails_is_raised() -> None:
    def find() -> list[FaceCrop]:
        raise InferenceFailed("pnet", "no memory")

    async with Scheduler(ScriptedNetworks()) as scheduler:
        with pytest.raises(InferenceFailed, match="pnet"):
            await scheduler.look(find, lambda: 0.0)
