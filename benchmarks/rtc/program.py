"""The real program with one stream that costs nothing, so that visitors have the machine."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
import numpy as np

ROOT: Final = Path(__file__).resolve().parents[2]
END_S: Final = 10.0


def quiet_clip(path: Path) -> Path:
    """Write a small grey film of one picture a second; gives its path."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=1)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for number in range(30):
            frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 90, np.uint8), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 1)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@contextmanager
def running(*arguments: str, port: int = 0, killed: bool = False) -> Iterator[str]:
    """The program on `port`, 0 for a free one; gives the address that it printed. At the end it is
    asked to leave, or `killed` without a chance to say goodbye.

    Raises: RuntimeError when it does not serve, or does not end with exit code 0 when asked to.
    """
    command = [sys.executable, "run_stream.py", *arguments, "--port", str(port)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            if not line.startswith("Overlay: "):
                raise RuntimeError(f"the program does not serve: it said {line!r}")
            yield line.removeprefix("Overlay: ").strip()
            if killed:
                return
            process.send_signal(signal.SIGINT)
            if (code := process.wait(timeout=END_S)) != 0:
                raise RuntimeError(f"the program ended with {code}")
        finally:
            process.kill()
