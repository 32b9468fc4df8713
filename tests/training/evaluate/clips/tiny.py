"""Cutting and writing tiny clips."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from stream.config import REPOSITORY

DEMO = REPOSITORY / "stream" / "sources" / "media" / "demo.mp4"
FPS = 25


def pictures(start_s: float, end_s: float) -> Iterable[NDArray[np.uint8]]:
    with av.open(str(DEMO)) as container:
        for frame in container.decode(video=0):
            assert frame.time is not None
            if start_s <= frame.time < end_s:
                yield np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)


def write(path: Path, frames: Iterable[NDArray[np.uint8]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"preset": "ultrafast"})
        for index, pixels in enumerate(frames):
            if not index:
                stream.height, stream.width = pixels.shape[:2]
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, FPS)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path
