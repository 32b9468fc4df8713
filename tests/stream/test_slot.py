"""LatestSlot: newest wins live; nothing is lost where the writer waits."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from stream.slot import LatestSlot

DEADLINE_S = 5.0


@pytest.fixture
def writer() -> Iterator[ThreadPoolExecutor]:
    """The source's thread."""
    with ThreadPoolExecutor(1) as executor:
        yield executor


def make(*, wait: bool = False) -> LatestSlot[int]:
    return LatestSlot(asyncio.get_running_loop(), wait=wait)


async def test_the_reader_gets_what_was_put() -> None:
    slot = make()
    assert slot.put(1)
    assert await slot.get() == 1
    assert slot.dropped == 0


async def test_the_newest_item_wins_and_what_it_replaces_is_counted() -> None:
    slot = make()
    for item in (1, 2, 3):
        assert slot.put(item)
    assert await slot.get() == 3
    assert slot.dropped == 2


async def test_each_item_is_given_once() -> None:
    slot = make()
    slot.put(1)
    await slot.get()
    again = asyncio.create_task(slot.get())
    await asyncio.sleep(0)
    assert not again.done()
    slot.put(2)
    assert await asyncio.wait_for(again, DEADLINE_S) == 2


async def test_a_waiting_reader_is_woken_from_the_writers_thread(
    writer: ThreadPoolExecutor,
) -> None:
    slot = make()
    reading = asyncio.create_task(slot.get())
    await asyncio.sleep(0)
    writer.submit(slot.put, 7)
    assert await asyncio.wait_for(reading, DEADLINE_S) == 7


async def test_a_cancelled_reader_loses_nothing() -> None:
    slot = make()
    reading = asyncio.create_task(slot.get())
    await asyncio.sleep(0)
    slot.put(1)
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    assert await asyncio.wait_for(slot.get(), DEADLINE_S) == 1


async def test_after_close_the_last_item_is_given_and_then_none() -> None:
    slot = make()
    slot.put(1)
    slot.close()
    assert await slot.get() == 1
    assert await slot.get() is None
    assert await slot.get() is None


async def test_close_wakes_a_waiting_reader() -> None:
    slot = make()
    reading = asyncio.create_task(slot.get())
    await asyncio.sleep(0)
    slot.close()
    assert await asyncio.wait_for(reading, DEADLINE_S) is None


async def test_put_after_close_is_refused_and_not_counted_as_dropped() -> None:
    slot = make()
    slot.close()
    assert not slot.put(1)
    assert slot.dropped == 0
    assert await slot.get() is None


async def test_a_writer_that_waits_loses_nothing_and_keeps_the_order(
    writer: ThreadPoolExecutor,
) -> None:
    slot = make(wait=True)
    offered = writer.submit(lambda: [slot.put(item) for item in range(50)])
    got = [await asyncio.wait_for(slot.get(), DEADLINE_S) for _ in range(50)]
    assert got == list(range(50))
    assert all(offered.result(DEADLINE_S))
    assert slot.dropped == 0


async def test_a_writer_that_waits_is_held_until_the_place_is_free(
    writer: ThreadPoolExecutor,
) -> None:
    slot = make(wait=True)
    slot.put(1)
    began = threading.Event()

    def second() -> bool:
        began.set()
        return slot.put(2)

    held = writer.submit(second)
    await asyncio.to_thread(began.wait, DEADLINE_S)
    assert not held.done()
    assert await slot.get() == 1
    assert await asyncio.to_thread(held.result, DEADLINE_S)
    assert await slot.get() == 2


async def test_close_lets_a_held_writer_go_with_a_refusal(writer: ThreadPoolExecutor) -> None:
    slot = make(wait=True)
    slot.put(1)
    held = writer.submit(slot.put, 2)
    slot.close()
    assert await asyncio.to_thread(held.result, DEADLINE_S) is False
    assert await slot.get() == 1
    assert await slot.get() is None


def test_a_writer_that_outlives_the_loop_is_told_to_end() -> None:
    async def leave_behind() -> LatestSlot[int]:
        return make()

    slot = asyncio.run(leave_behind())
    assert not slot.put(1)


def test_a_writer_that_outlives_a_reader_and_the_loop_is_told_to_end() -> None:
    async def leave_behind() -> LatestSlot[int]:
        slot = make()
        reading = asyncio.create_task(slot.get())
        await asyncio.sleep(0)
        reading.cancel()
        return slot

    slot = asyncio.run(leave_behind())
    assert not slot.put(1)


async def test_a_fast_writer_and_a_slow_reader_lose_only_what_is_counted(
    writer: ThreadPoolExecutor,
) -> None:
    slot = make()

    def write() -> None:
        for item in range(2000):
            slot.put(item)
        slot.close()

    writing = writer.submit(write)
    seen = []
    while (item := await asyncio.wait_for(slot.get(), DEADLINE_S)) is not None:
        seen.append(item)
    writing.result(DEADLINE_S)
    assert seen == sorted(set(seen))
    assert seen[-1] == 1999
    assert len(seen) + slot.dropped == 2000


async def test_a_reader_that_is_busy_is_not_woken_for_each_picture(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loop = asyncio.get_running_loop()
    wake, woken = loop.call_soon_threadsafe, []

    def count(*what: Any) -> Any:
        woken.append(what)
        return wake(*what)

    monkeypatch.setattr(loop, "call_soon_threadsafe", count)
    slot = make()
    for item in range(3):
        slot.put(item)
    assert await slot.get() == 2
    assert not woken
    reading = asyncio.create_task(slot.get())
    await asyncio.sleep(0)
    slot.put(3)
    slot.put(4)
    assert await reading == 4
    assert len(woken) == 1
