"""A process that runs beside the program and is told apart from it: cameras, clients."""

from __future__ import annotations

import json
import subprocess
import sys
from types import TracebackType
from typing import Any, Self

from benchmarks.program import Watched
from stream.config import REPOSITORY


class Beside:
    """``python -m MODULE ARGUMENTS``, a module of ours; a context manager that kills it.

    It says one line of JSON when it is up, `said`, runs until its standard input closes, and then
    says what came of it, again as JSON. Raises: RuntimeError when it does not come up; its own
    words are on standard error.
    """

    def __init__(self, module: str, *arguments: object) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *map(str, arguments)],
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.watched = Watched(self._process.pid)
        assert self._process.stdout
        if not (line := self._process.stdout.readline()):
            self._end()
            raise RuntimeError(f"{module} did not start")
        self.said: dict[str, Any] = json.loads(line)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()

    def close(self, timeout_s: float) -> dict[str, Any]:
        """Close its standard input; gives its last word."""
        said, _ = self._process.communicate(timeout=timeout_s)
        result: dict[str, Any] = json.loads(said)
        return result

    def _end(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe and not pipe.closed:
                pipe.close()
