"""Starts and stops the cameras' process."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from benchmarks.beside import Beside

END_S: Final = 10.0


class CameraRig(Beside):
    """`count` cameras that play `film` in a process of their own; a context manager that kills it.

    Raises: RuntimeError when they do not come up; their own words are on standard error.
    """

    def __init__(self, film: Path, count: int) -> None:
        super().__init__("benchmarks.cameras.server", film, count)
        self._count = count

    @property
    def urls(self) -> list[str]:
        """The addresses, ``cameraN=rtsp://…``, as `run_stream.py` takes them."""
        base = f"rtsp://127.0.0.1:{self.said['port']}"
        return [f"camera{number}={base}/camera{number}" for number in range(self._count)]

    def stop(self) -> dict[str, Any]:
        """End it; gives what was sent: `sent`, `left_out`, `late_ms`."""
        return self.close(END_S)
