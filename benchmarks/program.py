"""The program itself, `run_stream.py`, in a process of its own: its lines, its CPU, its memory."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self

import psutil

from stream.config import REPOSITORY

END_S: Final = 20.0


class ProgramEnded(Exception):
    """The program ended before it was asked to; the message holds its own last words."""


@dataclass(frozen=True, slots=True)
class Footprint:
    """What a process holds at a moment, and the CPU seconds that it has used so far."""

    cpu_s: float
    rss_mb: float
    threads: int
    descriptors: int


class Watched:
    """A process whose footprint is read from outside; its children's is not in it."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)

    def cpu_s(self) -> float:
        """User and system time so far, in the kernel's steps of 10 ms."""
        times = self._process.cpu_times()
        return float(times.user + times.system)

    def footprint(self) -> Footprint:
        """All of it at once."""
        with self._process.oneshot():
            return Footprint(
                self.cpu_s(),
                self._process.memory_info().rss / 1e6,
                self._process.num_threads(),
                self._process.num_fds() if sys.platform != "win32" else 0,
            )


class Program:
    """``run_stream.py`` with JSON lines on standard output; a context manager that kills it.

    Its own process group keeps it from the terminal's Ctrl+C: whoever measures ends it with `stop`,
    and reads what it has still to say.
    """

    def __init__(self, arguments: Sequence[str]) -> None:
        command = [sys.executable, str(REPOSITORY / "run_stream.py"), *arguments, "--jsonl", "-"]
        # To a file: a pipe that nobody reads would fill up and stop the program.
        self._log = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115
        self._process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            start_new_session=True,
        )
        self.watched = Watched(self._process.pid)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._log.close()

    def lines(self) -> Iterator[str]:
        """Standard output, line by line, until the program ends."""
        assert self._process.stdout is not None
        yield from self._process.stdout

    def stop(self) -> None:
        """Ask it to end, as Ctrl+C does: it writes its summary first."""
        self._process.send_signal(signal.SIGINT)

    def ended(self) -> ProgramEnded:
        """Why there are no more lines, from what it wrote to standard error."""
        code = self._process.wait(timeout=END_S)
        self._log.seek(0)
        words = self._log.read().strip().splitlines()[-3:]
        return ProgramEnded(f"run_stream.py ended with {code}: " + " / ".join(words))


def engine_options(engine: str, device: str) -> list[str]:
    """The benchmarks' common options, as the program takes them."""
    return ["--engine", engine, "--device", device]


def summary_of(body: dict[str, Any]) -> dict[str, Any] | None:
    """The streams' summaries, if a line's `body` is the last one."""
    found: dict[str, Any] | None = body["summary"]["streams"] if "summary" in body else None
    return found
