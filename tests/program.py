"""The program itself, run in a process of its own, and what it says as it says it."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from stream.config import REPOSITORY

Message = dict[str, Any]


@dataclass(frozen=True)
class Heard:
    """A message and when (monotonic seconds) it was read."""

    at_s: float
    message: Message


def pinned(arguments: Iterable[object]) -> list[str]:
    """The arguments, with an engine unless they name one or another command.

    A trial of engines costs a start two seconds, and what it finds depends on the machine.
    """
    words = [str(argument) for argument in arguments]
    if "--engine" in words or words[:1] in (["analyze"], ["doctor"], ["probe"]):
        return words
    return [*words, "--engine", "onnxruntime"]


class Program:
    """``run_stream.py`` with JSON lines on standard output, read by threads; a context manager.

    Leaving kills it. `heard` holds each stream's messages; `log` what went to standard error.
    """

    def __init__(self, arguments: Sequence[str]) -> None:
        command = [sys.executable, str(REPOSITORY / "run_stream.py")]
        command += [*pinned(arguments), "--jsonl", "-"]
        self.heard: dict[str, list[Heard]] = defaultdict(list)
        self.log = ""
        self._news = threading.Condition()
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self._readers = [
            threading.Thread(target=self._read_messages, daemon=True),
            threading.Thread(target=self._read_log, daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.process.kill()
        self.process.wait()
        for reader in self._readers:
            reader.join()
        for pipe in (self.process.stdout, self.process.stderr):
            assert pipe is not None
            pipe.close()

    def wait_for(self, wanted: Callable[[], bool], within_s: float) -> float:
        """Wait until `wanted`, asked again at every message and line; give the seconds it took."""
        begin_s = time.monotonic()
        with self._news:
            assert self._news.wait_for(wanted, within_s), f"not within {within_s} s:\n{self.log}"
        return time.monotonic() - begin_s

    def address(self) -> str:
        """The page's address, once it is printed."""
        self.wait_for(lambda: "Overlay: " in self.log, within_s=60)
        found = re.search(r"Overlay: (\S+)", self.log)
        assert found
        return found[1]

    def last(self, stream_id: str) -> Message:
        """A stream's newest message."""
        return self.heard[stream_id][-1].message

    def scored_since(self, stream_id: str, at_s: float) -> bool:
        """Whether the network scored a face of the stream in a message read after `at_s`."""
        return any(
            face["frame_probability_fake"] is not None
            for heard in reversed(self.heard[stream_id])
            if heard.at_s > at_s
            for face in heard.message["faces"]
        )

    def _read_messages(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            message = json.loads(line)
            if "stream_id" in message:
                with self._news:
                    entry = Heard(time.monotonic(), message)
                    self.heard[message["stream_id"]].append(entry)
                    self._news.notify_all()

    def _read_log(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            with self._news:
                self.log += line
                self._news.notify_all()


@contextmanager
def served(*arguments: str) -> Iterator[str]:
    """Run ``run_stream.py`` on a free port, and give the address that it printed.

    It has 20 s to end by Ctrl+C, as the tests' machine may well be busy.
    """
    command = [sys.executable, "run_stream.py", *pinned(arguments), "--port", "0"]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            line = process.stdout.readline()
            assert line.startswith("Overlay: "), line
            yield line.removeprefix("Overlay: ").strip()
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=20) == 0
        finally:
            process.kill()
