"""Fanout: every subscriber gets every item, and a slow one loses its own oldest."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

T = TypeVar("T")


class Subscription(Generic[T]):
    """One reader's bounded queue. `dropped` counts the items that it was too slow for; `awaited`
    says that `Fanout.drained` waits for it.
    """

    def __init__(self, size: int, *, awaited: bool = False) -> None:
        self.awaited = awaited
        self._items: deque[T] = deque(maxlen=size)
        self._ready = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()
        self._closed = False
        self.dropped = 0

    async def drained(self) -> None:
        """Wait until the reader has come back for more after taking everything."""
        await self._empty.wait()

    def offer(self, item: T) -> None:
        """Add an item; the oldest one makes room. Never blocks."""
        if len(self._items) == self._items.maxlen:
            self.dropped += 1
        self._items.append(item)
        self._empty.clear()
        self._ready.set()

    def release(self) -> None:
        """The reader is gone: nobody waits for it any more."""
        self._items.clear()
        self._empty.set()

    def close(self) -> None:
        """Let the reader take what is left and end."""
        self._closed = True
        self._ready.set()

    def __aiter__(self) -> AsyncIterator[T]:
        return self

    async def __anext__(self) -> T:
        while not self._items:
            self._empty.set()
            if self._closed:
                raise StopAsyncIteration
            self._ready.clear()
            await self._ready.wait()
        return self._items.popleft()


class Fanout(Generic[T]):
    """Hands each published item to every subscriber; the publisher never waits on any of them.

    All on the event loop. `dropped` sums the losses of present and past subscribers.
    """

    def __init__(self) -> None:
        self._subscriptions: set[Subscription[T]] = set()
        self._dropped_before = 0
        self._closed = False

    def __len__(self) -> int:
        return len(self._subscriptions)

    @property
    def dropped(self) -> int:
        """Items lost by subscribers that were too slow."""
        return self._dropped_before + sum(s.dropped for s in self._subscriptions)

    def publish(self, item: T) -> None:
        """Offer `item` to all."""
        for subscription in self._subscriptions:
            subscription.offer(item)

    async def drained(self) -> None:
        """Wait until every subscriber that is `awaited` has taken everything: for files read
        without pacing, whose reader waits for the writer so that nothing is lost.
        """
        for subscription in tuple(self._subscriptions):
            if subscription.awaited:
                await subscription.drained()

    @contextmanager
    def subscribe(self, size: int, *, awaited: bool = False) -> Iterator[Subscription[T]]:
        """Take part from now on, with room for `size` items; ends with the context."""
        subscription: Subscription[T] = Subscription(size, awaited=awaited)
        self._subscriptions.add(subscription)
        if self._closed:
            subscription.close()
        try:
            yield subscription
        finally:
            subscription.release()
            self._subscriptions.discard(subscription)
            self._dropped_before += subscription.dropped

    def close(self) -> None:
        """End every subscription, now and later."""
        self._closed = True
        for subscription in self._subscriptions:
            subscription.close()
