"""Starts and stops the cameras' process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from benchmarks.program import Watched
from stream.config import REPOSITORY

END_S: Final = 10.0


class CameraRig:
    """`count` cameras that play `film` in a process of their own; a context manager that kills it.

    Raises: RuntimeError when they do not come up; their own words are on standard error.
    """

    def __init__(self, film: Path, count: int) -> None:
        command = [sys.executable, "-m", "benchmarks.cameras.server", str(film), str(count)]
        self._process = subprocess.Popen(
            command,
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._count = count
        self.watched = Watched(self._process.pid)
        assert self._process.stdout
        if not (line := self._process.stdout.readline()):
            self._end()
            raise RuntimeError("the cameras did not start")
        self._port = json.loads(line)["port"]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()

    @property
    def urls(self) -> list[str]:
        """The addresses, ``cameraN=rtsp://…``, as `run_stream.py` takes them."""
        base = f"rtsp://127.0.0.1:{self._port}"
        return [f"camera{number}={base}/camera{number}" for number in range(self._count)]

    def stop(self) -> dict[str, Any]:
        """End it; gives what was sent: `sent`, `left_out`, `late_ms`."""
        said, _ = self._process.communicate(timeout=END_S)
        result: dict[str, Any] = json.loads(said)
        return result

    def _end(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe and not pipe.closed:
                pipe.close()
