"""Sandbox: processes that decode one untrusted file each, and what they send."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Final

from stream.files import wire

ROOT: Final = Path(__file__).resolve().parents[2]
NICENESS: Final = 15
"""Decoding for those who wait must not take a core from those who watch, nor from the threads that
decode for them (`stream.pull`)."""
COMMAND: Final = (
    "nice", "-n", str(NICENESS),
    # OpenBLAS would start threads, which a fork does not have; the token is nothing for decoders.
    "env", "-u", "DEEPFAKESTREAM_TOKEN", "OPENBLAS_NUM_THREADS=1",
    sys.executable, "-W", "ignore", "-m", "stream.files.nursery",
)  # fmt: skip
PATIENCE_S: Final = 30.0
"""How long a decoding process may say nothing. It says something with each picture."""
LOOK_UP_S: Final = 0.1


class Sandbox:
    """Starts decoding processes; a context manager. `decode` may be called in any thread.

    The process that they are forked from is started at the first call, in 0.3 s, and ends with
    this one, whatever ends it. Leaving ends every process.
    """

    def __init__(self) -> None:
        self._nursery: subprocess.Popen[bytes] | None = None
        self._requests: socket.socket | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with self._lock:
            self._end()

    def decode(self, file: BinaryIO, request: dict[str, Any]) -> Cell:
        """Start decoding `file`; see `stream.files.decoding` for requests. Takes milliseconds."""
        ours, theirs = socket.socketpair()
        with theirs:
            self._ask(file.fileno(), theirs.fileno())
        try:
            return Cell(ours, request)
        except BaseException:
            ours.close()
            raise

    def _ask(self, *descriptors: int) -> None:
        with self._lock:
            try:
                socket.send_fds(self._running(), [b"."], descriptors)
            except OSError:  # it was killed, for want of memory perhaps: once more, with a new one
                self._end()
                socket.send_fds(self._running(), [b"."], descriptors)

    def _running(self) -> socket.socket:
        if self._requests is None:
            self._requests, theirs = socket.socketpair()
            with theirs:
                # A session of its own: Ctrl+C is for the service, which ends it in its own time.
                self._nursery = subprocess.Popen(
                    COMMAND,
                    stdin=theirs.fileno(),
                    stdout=subprocess.DEVNULL,
                    cwd=ROOT,
                    start_new_session=True,
                )
        return self._requests

    def _end(self) -> None:
        if self._requests is not None and self._nursery is not None:
            self._requests.close()
            with suppress(ProcessLookupError):
                os.killpg(self._nursery.pid, signal.SIGKILL)  # its session: all forks of it
            self._nursery.wait()
            self._requests = self._nursery = None


class Cell:
    """One decoding process; a context manager that ends it."""

    def __init__(self, channel: socket.socket, request: dict[str, Any]) -> None:
        self._channel = channel
        channel.settimeout(PATIENCE_S)
        _, descriptors, _, _ = socket.recv_fds(channel, 1, 1)
        self._process = descriptors[0] if descriptors else None
        wire.send(channel, request)

    def __enter__(self) -> Cell:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._process is not None and sys.platform == "linux":
            with suppress(ProcessLookupError):  # it has ended by itself
                signal.pidfd_send_signal(self._process, signal.SIGKILL)
            os.close(self._process)
        self._channel.close()

    def receive(self, stop: threading.Event) -> tuple[dict[str, Any], bytearray] | None:
        """The next message and its pixels; None once `stop` is set.

        Raises: Closed when the process has gone, TimeoutError when it says nothing for too long.
        """
        poll = select.poll()
        poll.register(self._channel, select.POLLIN)
        deadline_s = time.monotonic() + PATIENCE_S
        while not stop.is_set():
            if poll.poll(1000 * LOOK_UP_S):
                return wire.receive(self._channel)
            if time.monotonic() > deadline_s:
                raise TimeoutError
        return None
