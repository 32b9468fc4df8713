"""JSON lines in a file or on standard output."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
from collections.abc import AsyncIterator, Mapping
from queue import Queue
from typing import Any, Final

from stream.errors import SinkError
from stream.messages import OverlayMessage

CLOSE_DEADLINE_S: Final = 0.4
"""How long closing waits for a reader that stands still: Ctrl+C leaves within a second."""

_Job = tuple[bytes, asyncio.Future[None]]


class JsonlSink:
    """One message a line, written at once, and the summary as the last line; ``-`` is standard
    output.

    A thread writes, so that a full pipe does not stop the event loop; it is a daemon and writes
    past Python's own buffers, so that a pipe that nobody reads does not stop the program's end.

    Raises (on making, in `consume` and in `close`): SinkError when the target cannot be written.
    """

    def __init__(self, target: str) -> None:
        self._name = "standard output" if target == "-" else target
        try:
            self._fd = _standard_output() if target == "-" else _open(target)
        except OSError as exc:
            raise SinkError(self._name, f"cannot be written: {exc.strerror}") from exc
        self._turn = asyncio.Lock()
        self._newest: asyncio.Future[None] | None = None
        # One line at a time is in hand: `_write` waits for the one before, even a cancelled one.
        self._jobs: Queue[_Job | None] = Queue(maxsize=1)
        threading.Thread(target=self._work, name="jsonl", daemon=True).start()

    async def consume(self, messages: AsyncIterator[OverlayMessage]) -> None:
        """Write each message of one stream."""
        async for message in messages:
            await self._write(message.to_json())

    async def close(self, summary: Mapping[str, Any]) -> None:
        """Write the summary; standard output stays open."""
        try:
            async with asyncio.timeout(CLOSE_DEADLINE_S):
                await self._write(json.dumps({"summary": summary}))
        except TimeoutError:
            raise SinkError(self._name, "nobody reads it: its last lines are lost") from None
        finally:
            if self._newest is None or self._newest.done():
                self._jobs.put_nowait(None)

    async def _write(self, line: str) -> None:
        async with self._turn:
            if self._newest is not None:
                await asyncio.wait([self._newest])
            self._newest = asyncio.get_running_loop().create_future()
            self._jobs.put_nowait((f"{line}\n".encode(), self._newest))
            try:
                await asyncio.shield(self._newest)
            except OSError as exc:
                raise SinkError(self._name, f"cannot be written: {exc.strerror}") from exc

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            line, done = job
            error: OSError | None = None
            try:
                while line:
                    line = line[os.write(self._fd, line) :]
            except OSError as exc:
                error = exc
            try:
                done.get_loop().call_soon_threadsafe(_settle, done, error)
            except RuntimeError:
                return  # the loop is closed: nobody waits any more
        os.close(self._fd)


def _standard_output() -> int:
    sys.stdout.flush()
    return os.dup(sys.stdout.fileno())


def _open(target: str) -> int:
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
    # A named pipe without a reader would hold up the event loop for ever; like this it is an error.
    descriptor = os.open(target, flags | os.O_NONBLOCK, 0o666)
    os.set_blocking(descriptor, True)
    return descriptor


def _settle(done: asyncio.Future[None], error: OSError | None) -> None:
    if error is None:
        done.set_result(None)
    else:
        done.set_exception(error)
