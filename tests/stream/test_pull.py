"""Pull: a source in a thread of its own, whose end reaches the loop and which ends with it."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from stream.errors import SourceError
from stream.pull import NICENESS, STOP_DEADLINE_S, Pull
from stream.sources.base import Emit
from stream.types import Capture
from tests.doubles import DEADLINE_S, Act, ScriptedSource, eventually, fails_with, plays, plays_on


def lost() -> SourceError:
    # A new one each time: an error keeps alive what raised it.
    return SourceError("cam", "gone", "look", retryable=True)


def pull(act: Act, into: list[Capture] | None = None, name: str = "door") -> Pull:
    taken: list[Capture] = [] if into is None else into

    def emit(capture: Capture) -> bool:
        taken.append(capture)
        return True

    return Pull(ScriptedSource(act, live=True), emit, name)


def alive(name: str) -> bool:
    return any(thread.name == name for thread in threading.enumerate())


async def test_pictures_are_emitted_and_the_end_is_told() -> None:
    taken: list[Capture] = []
    async with pull(plays(0.0, 0.1, 0.2), taken) as one:
        await asyncio.wait_for(one.ended, DEADLINE_S)
    assert [capture.media_time_s for capture in taken] == [0.0, 0.1, 0.2]


@pytest.mark.parametrize("error", [lost(), RuntimeError("a bug")], ids=["SourceError", "a bug"])
async def test_what_the_source_raises_is_handed_to_the_owner(error: Exception) -> None:
    async with pull(fails_with(error)) as one:
        with pytest.raises(type(error)) as caught:
            await asyncio.wait_for(one.ended, DEADLINE_S)
    assert caught.value is error


@pytest.mark.skipif(sys.platform != "linux", reason="threads have no niceness of their own here")
async def test_the_source_gives_way_to_the_networks() -> None:
    found: list[int] = []

    def act(emit: Emit, stop: threading.Event) -> None:
        found.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))

    ours = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    async with pull(act) as one:
        await asyncio.wait_for(one.ended, DEADLINE_S)
    assert found == [min(19, ours + NICENESS)]
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == ours


async def test_the_source_runs_in_a_thread_that_bears_the_streams_name() -> None:
    names: list[str] = []

    def act(emit: Emit, stop: threading.Event) -> None:
        names.append(threading.current_thread().name)

    async with pull(act, name="yard") as one:
        await one.ended
    assert names == ["source-yard"]


async def test_leaving_stops_the_source_and_waits_for_its_thread() -> None:
    async with pull(plays_on(), name="stopped"):
        assert alive("source-stopped")
    await eventually(lambda: not alive("source-stopped"))


@pytest.mark.alone
async def test_leaving_does_not_wait_for_ever_for_a_source_that_hangs() -> None:
    release = threading.Event()

    def hangs(emit: Emit, stop: threading.Event) -> None:
        release.wait(DEADLINE_S)

    loop = asyncio.get_running_loop()
    one = pull(hangs, name="hangs")
    async with one:
        before_s = loop.time()
    assert STOP_DEADLINE_S * 0.9 <= loop.time() - before_s < STOP_DEADLINE_S + 1
    release.set()
    await eventually(lambda: one.ended.done())


@asynccontextmanager
async def nothing_unheard() -> AsyncIterator[None]:
    """Nothing that happens in the block is reported as lost when it is collected."""
    unheard: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: unheard.append(context))
    yield
    gc.collect()
    await asyncio.sleep(0)
    assert unheard == []


async def test_an_error_after_leaving_is_nobodys() -> None:
    release = threading.Event()

    def fails_late(emit: Emit, stop: threading.Event) -> None:
        release.wait(DEADLINE_S)
        raise lost()

    async def leave() -> None:
        async with pull(fails_late, name="late"):
            pass
        release.set()

    async with nothing_unheard():
        await leave()
        await eventually(lambda: not alive("source-late"))
        await asyncio.sleep(0)


async def test_an_error_that_the_owner_left_unread_is_nobodys() -> None:
    def fails(emit: Emit, stop: threading.Event) -> None:
        raise lost()

    async def leave() -> None:
        async with pull(fails, name="unread"):
            await eventually(lambda: not alive("source-unread"))

    async with nothing_unheard():
        await leave()


async def test_an_owner_that_no_longer_waits_is_not_told() -> None:
    release = threading.Event()

    def ends_late(emit: Emit, stop: threading.Event) -> None:
        release.wait(DEADLINE_S)

    async with pull(ends_late, name="cancelled") as one:
        one.ended.cancel()
        release.set()
    await eventually(lambda: not alive("source-cancelled"))
    assert one.ended.cancelled()


def test_a_thread_that_outlives_the_loop_ends_quietly() -> None:
    release = threading.Event()

    def hangs(emit: Emit, stop: threading.Event) -> None:
        release.wait(DEADLINE_S)

    async def leave() -> Pull:
        async with pull(hangs, name="orphan") as one:
            return one

    one = asyncio.run(leave())
    release.set()
    one._thread.join(DEADLINE_S)
    assert not one._thread.is_alive()
