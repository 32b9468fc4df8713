"""Pull: one source running in a thread of its own, owned by a task."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Final

from stream.sources.base import Source
from stream.types import Capture

STOP_DEADLINE_S: Final = 0.5
"""How long leaving waits for the thread. A read from a frozen camera can take until its read
timeout; the thread is a daemon and can emit nothing any more, so it is left to find its end."""

NICENESS: Final = 5
"""Added to the niceness of a thread that decodes: where many cameras fill the machine, networks and
event loop go first, for a picture that is decoded and not looked at is worth nothing."""


class Pull:
    """Runs `source` in a thread from entering until leaving.

    `ended` resolves when the source returns, or carries what it raised. Leaving sets the stop flag
    and waits up to `STOP_DEADLINE_S` for the thread.
    """

    def __init__(self, source: Source, emit: Callable[[Capture], bool], name: str) -> None:
        self._source = source
        self._emit = emit
        self._stop = threading.Event()
        self._loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[None] = self._loop.create_future()
        self._thread = threading.Thread(target=self._run, name=f"source-{name}", daemon=True)

    async def __aenter__(self) -> Pull:
        self._thread.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop.set()
        await asyncio.wait([self.ended], timeout=STOP_DEADLINE_S)
        self._forgive()

    def _run(self) -> None:
        problem: BaseException | None = None
        _give_way()
        try:
            self._source.run(self._emit, self._stop)
        except BaseException as exc:  # the thread's edge: handed to the owner
            problem = exc
        try:
            self._loop.call_soon_threadsafe(self._finish, problem)
        except RuntimeError:
            return  # the loop is closed: nobody waits any more
        finally:
            problem = None  # or the error would hold this frame, and this frame the error

    def _finish(self, problem: BaseException | None) -> None:
        if self.ended.done():
            return
        if problem is None:
            self.ended.set_result(None)
        else:
            self.ended.set_exception(problem)
        if self._stop.is_set():
            self._forgive()

    def _forgive(self) -> None:
        # Read, so that asyncio does not report an error as lost that nobody waits for any more.
        if self.ended.done() and not self.ended.cancelled():
            self.ended.exception()


def _give_way() -> None:
    """Make this thread nicer; only Linux has a niceness for each thread."""
    if sys.platform == "linux":
        thread = threading.get_native_id()
        with suppress(OSError):
            niceness = os.getpriority(os.PRIO_PROCESS, thread) + NICENESS
            os.setpriority(os.PRIO_PROCESS, thread, niceness)
