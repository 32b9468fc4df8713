"""Answer: what a work in another thread will give, for the one task that waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Answer(Generic[T]):
    """Made and awaited on the event loop; settled once, from any thread, by `settle` or `give`.

    A concurrent future that is wrapped would do, at three turns of the loop for each work; this
    takes one. Who waits may be cancelled: then the answer is `withdrawn`, and what is given after
    that goes nowhere.
    """

    __slots__ = ("_future", "_loop")

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._future: asyncio.Future[T] | None = self._loop.create_future()

    def __await__(self) -> Generator[Any, None, T]:
        assert self._future is not None, "awaited once"
        try:
            return (yield from self._future)
        except BaseException:
            # It holds the error, whose traceback holds the work's frames, which hold this answer: a
            # circle that would keep a picture until a collection.
            self._future = None
            raise

    @property
    def withdrawn(self) -> bool:
        """Whether nobody waits any more. May be asked by any thread."""
        future = self._future
        return future is None or future.cancelled()

    def settle(self, run: Callable[[], T]) -> None:
        """Call `run` and hand over what it gives or raises."""
        try:
            result = run()
        except BaseException as exc:  # handed to whoever waits: this is the thread's edge
            self.fail(exc)
        else:
            self.give(result)

    def give(self, result: T) -> None:
        """Hand over `result`."""
        self._hand_over(lambda future: future.set_result(result))

    def fail(self, error: BaseException) -> None:
        """Hand over `error`, to be raised where the answer is awaited."""
        self._hand_over(lambda future: future.set_exception(error))

    def _hand_over(self, settle: Callable[[asyncio.Future[T]], None]) -> None:
        def arrive() -> None:
            future = self._future
            if future is not None and not future.done():  # it may have been withdrawn meanwhile
                settle(future)

        try:
            self._loop.call_soon_threadsafe(arrive)
        except RuntimeError:
            return  # the loop is closed: nobody waits any more
