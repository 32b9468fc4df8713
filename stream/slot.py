"""LatestSlot: one place between a decode thread and the event loop; the newest picture wins."""

from __future__ import annotations

import asyncio
import threading
from typing import Generic, TypeVar

T = TypeVar("T")


class LatestSlot(Generic[T]):
    """One place, written by one thread, read by one task.

    Live, the newest item wins and what it replaces is counted in `dropped`: an older picture
    is worth less than a newer one, and a queue would only add delay. With ``wait=True`` (files read
    without pacing) the writer waits until the place is free and nothing is lost.

    `put` is called in the writer's thread, `get` and `close` on the event loop. After `close`,
    `put` returns False and `get` gives the last item, then None. The loop is woken only where the
    reader waits: one that is busy asks again by itself.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, *, wait: bool = False) -> None:
        self._loop = loop
        self._wait = wait
        self._free = threading.Condition()
        self._item: T | None = None
        self._closed = False
        self._reader: asyncio.Future[None] | None = None
        self.dropped = 0

    def put(self, item: T) -> bool:
        """Offer an item; False when the slot is closed and the writer should end."""
        with self._free:
            while self._wait and self._item is not None and not self._closed:
                self._free.wait()
            # The loop may be gone when a decode thread is slow to notice the end.
            if self._closed or self._loop.is_closed():
                return False
            if self._item is not None:
                self.dropped += 1
            self._item = item
            reader, self._reader = self._reader, None
        if reader:
            self._wake(reader)
        return True

    async def get(self) -> T | None:
        """Wait for the newest item; None once the slot is closed and empty.

        Cancelling loses nothing: an item that was there stays for the next reader.
        """
        while True:
            with self._free:
                if self._item is not None:
                    item, self._item = self._item, None
                    self._free.notify_all()
                    return item
                if self._closed:
                    return None
                self._reader = reader = self._loop.create_future()
            await reader

    def close(self) -> None:
        """End both sides; a waiting writer or reader returns."""
        with self._free:
            self._closed = True
            self._free.notify_all()
            reader, self._reader = self._reader, None
        if reader:
            _settle(reader)

    def _wake(self, reader: asyncio.Future[None]) -> None:
        try:
            self._loop.call_soon_threadsafe(_settle, reader)
        except RuntimeError:  # the loop was closed meanwhile
            self._closed = True


def _settle(reader: asyncio.Future[None]) -> None:
    if not reader.done():  # it may have been cancelled
        reader.set_result(None)
