"""Fanout: each subscriber gets everything or loses its own oldest; nobody waits for another."""

from __future__ import annotations

import asyncio

import pytest

from stream.fanout import Fanout, Subscription

DEADLINE_S = 5.0


async def take(subscription: Subscription[int], count: int) -> list[int]:
    return [await asyncio.wait_for(anext(subscription), DEADLINE_S) for _ in range(count)]


async def test_every_subscriber_gets_every_item() -> None:
    fanout: Fanout[int] = Fanout()
    with fanout.subscribe(4) as one, fanout.subscribe(4) as other:
        for item in range(3):
            fanout.publish(item)
        assert await take(one, 3) == [0, 1, 2]
        assert await take(other, 3) == [0, 1, 2]


async def test_a_slow_subscriber_loses_its_oldest_and_the_loss_is_counted() -> None:
    fanout: Fanout[int] = Fanout()
    with fanout.subscribe(2) as slow, fanout.subscribe(8) as quick:
        for item in range(5):
            fanout.publish(item)
        assert await take(slow, 2) == [3, 4]
        assert await take(quick, 5) == [0, 1, 2, 3, 4]
        assert (slow.dropped, quick.dropped) == (3, 0)
        assert fanout.dropped == 3


async def test_losses_of_subscribers_that_left_stay_counted() -> None:
    fanout: Fanout[int] = Fanout()
    with fanout.subscribe(1):
        fanout.publish(1)
        fanout.publish(2)
    with fanout.subscribe(1):
        fanout.publish(3)
        fanout.publish(4)
        assert fanout.dropped == 2
    assert fanout.dropped == 2


async def test_its_length_is_the_number_of_subscribers() -> None:
    fanout: Fanout[int] = Fanout()
    with fanout.subscribe(1):
        with fanout.subscribe(1):
            assert len(fanout) == 2
        assert len(fanout) == 1
    assert len(fanout) == 0


async def test_a_subscriber_leaves_also_when_its_context_raises() -> None:
    fanout: Fanout[int] = Fanout()
    with pytest.raises(RuntimeError, match="gone"), fanout.subscribe(1):
        raise RuntimeError("gone")
    assert len(fanout) == 0


async def test_items_from_before_the_subscription_are_not_given() -> None:
    fanout: Fanout[int] = Fanout()
    fanout.publish(1)
    with fanout.subscribe(4) as late:
        fanout.publish(2)
        assert await take(late, 1) == [2]


async def test_a_waiting_reader_is_woken_by_the_next_item() -> None:
    fanout: Fanout[int] = Fanout()
    with fanout.subscribe(4) as subscription:
        reading = asyncio.create_task(take(subscription, 1))
        await asyncio.sleep(0)
        fanout.publish(9)
        assert await asyncio.wait_for(reading, DEADLINE_S) == [9]


async def test_close_lets_the_reader_take_what_is_left_and_end() -> None:
    fanout: Fanout[int] = Fanout()
    with fanout.subscribe(4) as subscription:
        fanout.publish(1)
        fanout.publish(2)
        fanout.close()
        assert [item async for item in subscription] == [1, 2]


async def test_close_ends_a_reader_that_waits() -> None:
    fanout: Fanout[int] = Fanout()
    with fanout.subscribe(4) as subscription:
        reading = asyncio.create_task(anext(subscription, None))
        await asyncio.sleep(0)
        fanout.close()
        assert await asyncio.wait_for(reading, DEADLINE_S) is None


async def test_who_subscribes_after_close_ends_at_once() -> None:
    fanout: Fanout[int] = Fanout()
    fanout.close()
    with fanout.subscribe(4) as late:
        assert [item async for item in late] == []


async def test_drained_returns_at_once_without_subscribers_or_items() -> None:
    fanout: Fanout[int] = Fanout()
    await asyncio.wait_for(fanout.drained(), DEADLINE_S)
    with fanout.subscribe(1, awaited=True):
        await asyncio.wait_for(fanout.drained(), DEADLINE_S)


async def test_drained_waits_until_the_reader_comes_back_for_more() -> None:
    fanout: Fanout[int] = Fanout()
    with fanout.subscribe(4, awaited=True) as subscription:
        fanout.publish(1)
        waiting = asyncio.create_task(fanout.drained())
        await take(subscription, 1)
        await asyncio.sleep(0)
        assert not waiting.done(), "the item is still in the reader's hands"
        reading = asyncio.create_task(take(subscription, 1))
        await asyncio.wait_for(waiting, DEADLINE_S)
        fanout.publish(2)
        assert await reading == [2]


async def test_drained_does_not_wait_for_a_reader_that_left() -> None:
    fanout: Fanout[int] = Fanout()
    with fanout.subscribe(4, awaited=True):
        fanout.publish(1)
        waiting = asyncio.create_task(fanout.drained())
        await asyncio.sleep(0)
        assert not waiting.done()
    await asyncio.wait_for(waiting, DEADLINE_S)


async def test_drained_waits_for_nobody_who_is_not_awaited() -> None:
    fanout: Fanout[int] = Fanout()
    with fanout.subscribe(4), fanout.subscribe(4, awaited=True) as awaited:
        fanout.publish(1)
        waiting = asyncio.create_task(fanout.drained())
        reading = asyncio.create_task(take(awaited, 2))
        await asyncio.wait_for(waiting, DEADLINE_S)
        reading.cancel()


async def test_the_publisher_never_waits() -> None:
    fanout: Fanout[int] = Fanout()
    with fanout.subscribe(2) as stuck:
        for item in range(10_000):
            fanout.publish(item)
        assert stuck.dropped == 9_998
