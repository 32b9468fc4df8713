"""JSON lines in a file or on standard output."""

from __future__ import annotations

import asyncio
import json
import os
import select
import stat
import sys
import threading
from collections.abc import AsyncIterator, Mapping
from queue import Queue
from typing import Any, Final

from stream.errors import SinkError
from stream.messages import OverlayMessage

CLOSE_DEADLINE_S: Final = 0.4
"""How long closing waits for a reader that stands still: Ctrl+C leaves within a second."""

_Job = tuple[bytes, list[asyncio.Future[None]]]


class JsonlSink:
    """One message a line, written at once, and the summary as the last line; ``-`` is standard
    output.

    A pipe that has room takes a line from the event loop. Else a thread writes, all lines that wait
    in one go, so that a full pipe or a disk that stands still does not stop the event loop; it is a
    daemon and writes past Python's own buffers, so that a pipe that nobody reads does not stop the
    program's end.

    Raises (on making, in `consume` and in `close`): SinkError when the target cannot be written.
    """

    def __init__(self, target: str) -> None:
        self._name = "standard output" if target == "-" else target
        try:
            self._fd = _standard_output() if target == "-" else _open(target)
        except OSError as exc:
            raise SinkError(self._name, f"cannot be written: {exc.strerror}") from exc
        self._pipe = _polled(self._fd)
        self._writing = False
        # Each stream has one line in hand, so there are as many as streams, and a few of those that
        # were cancelled meanwhile.
        self._lines: list[bytes] = []
        self._waiting: list[asyncio.Future[None]] = []
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
            if not self._writing:
                self._jobs.put_nowait(None)

    async def _write(self, text: str) -> None:
        line = f"{text}\n".encode()
        try:
            if not self._writing and self._has_room(len(line)):
                os.write(self._fd, line)
                return
            written = asyncio.get_running_loop().create_future()
            self._lines.append(line)
            self._waiting.append(written)
            self._hand_over()
            await written
        except OSError as exc:
            raise SinkError(self._name, f"cannot be written: {exc.strerror}") from exc

    def _has_room(self, size: int) -> bool:
        """Whether the target is a pipe that takes so much without waiting."""
        return self._pipe is not None and size <= select.PIPE_BUF and bool(self._pipe.poll(0))

    def _hand_over(self) -> None:
        if self._writing or not self._lines:
            return
        self._writing = True
        self._jobs.put_nowait((b"".join(self._lines), self._waiting))
        self._lines, self._waiting = [], []

    def _settle(self, waiting: list[asyncio.Future[None]], error: OSError | None) -> None:
        self._writing = False
        for written in waiting:
            if written.done():
                continue  # cancelled: its line was written all the same
            if error is None:
                written.set_result(None)
            else:
                written.set_exception(error)
        self._hand_over()

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            lines, waiting = job
            error: OSError | None = None
            try:
                while lines:
                    lines = lines[os.write(self._fd, lines) :]
            except OSError as exc:
                error = exc
            try:
                waiting[0].get_loop().call_soon_threadsafe(self._settle, waiting, error)
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


def _polled(descriptor: int) -> select.poll | None:
    """Tells whether a pipe has room; None for what is no pipe."""
    if not stat.S_ISFIFO(os.fstat(descriptor).st_mode):
        return None  # a disk always says that it has
    polled = select.poll()
    polled.register(descriptor, select.POLLOUT)
    return polled
