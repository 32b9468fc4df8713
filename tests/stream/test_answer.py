"""Answer: one task waits for what another thread gives."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from stream.answer import Answer
from tests.doubles import DEADLINE_S


def in_a_thread(run: Callable[..., None], *arguments: Any) -> None:
    thread = threading.Thread(target=run, args=arguments)
    thread.start()
    thread.join(DEADLINE_S)


async def test_what_the_work_gives_is_what_who_waits_gets() -> None:
    answer = Answer[int]()
    in_a_thread(answer.settle, lambda: 5)
    assert await answer == 5


async def test_who_waits_already_is_woken() -> None:
    answer = Answer[int]()

    async def wait() -> int:
        return await answer

    waiting = asyncio.create_task(wait())
    await asyncio.sleep(0)
    in_a_thread(answer.give, 7)
    assert await asyncio.wait_for(waiting, DEADLINE_S) == 7


async def test_what_the_work_raises_is_raised_where_it_is_awaited() -> None:
    answer = Answer[int]()

    def breaks() -> int:
        raise ValueError("no")

    in_a_thread(answer.settle, breaks)
    with pytest.raises(ValueError, match="no"):
        await answer


async def test_an_answer_that_was_withdrawn_goes_nowhere() -> None:
    answer = Answer[int]()

    async def wait() -> int:
        return await answer

    waiting = asyncio.create_task(wait())
    await asyncio.sleep(0)
    assert not answer.withdrawn
    waiting.cancel()
    await asyncio.wait([waiting])
    assert answer.withdrawn
    in_a_thread(answer.give, 1)
    in_a_thread(answer.fail, ValueError("late"))
    await asyncio.sleep(0)


async def test_an_answer_withdrawn_after_it_was_given_is_no_error() -> None:
    answer = Answer[int]()

    async def wait() -> int:
        return await answer

    waiting = asyncio.create_task(wait())
    await asyncio.sleep(0)
    in_a_thread(answer.give, 1)  # on its way: the loop has not turned since
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await asyncio.sleep(0)


def test_a_thread_that_outlives_the_loop_gives_to_nobody() -> None:
    async def leave_behind() -> Answer[int]:
        return Answer[int]()

    answer = asyncio.run(leave_behind())
    answer.give(1)


class Large:
    """Stands for a picture that an error must not keep."""


def test_an_error_keeps_nothing_of_the_work_once_it_was_handled() -> None:
    kept: list[weakref.ref[Large]] = []

    def breaks() -> int:
        large = Large()
        kept.append(weakref.ref(large))
        raise ValueError(str(id(large)))

    async def ask() -> None:
        answer = Answer[int]()
        in_a_thread(answer.settle, breaks)
        with suppress(ValueError):
            await answer
        await asyncio.sleep(0)

    gc.disable()
    try:
        asyncio.run(ask())
        assert kept[0]() is None
    finally:
        gc.enable()
