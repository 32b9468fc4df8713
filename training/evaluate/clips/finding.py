"""The faces of a file, found frame by frame without the program."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import av

from engines.table import open_engine
from stream.config import REPOSITORY
from stream.faces.cascade import Cascade
from stream.faces.finder import FaceFinder
from stream.faces.options import FacesOptions
from stream.sources.decoding import to_rgb, video_stream
from stream.types import Pixels

WEIGHTS: Final = REPOSITORY / "weights"


@contextmanager
def opened_finder() -> Iterator[FaceFinder]:
    """Give a finder as the program makes it, on one thread.

    Raises: EngineError.
    """
    options = FacesOptions()
    with ExitStack() as opened:
        pnet, rnet, onet = (
            opened.enter_context(open_engine("onnxruntime", WEIGHTS / f"{name}.json"))
            for name in ("pnet", "rnet", "onet")
        )
        yield FaceFinder(Cascade(pnet, rnet, onet, options), options)


def pictures(clip: Path) -> Iterator[tuple[Pixels, float]]:
    """Every picture of a file, uint8 RGB, with its media time, which starts at 0.

    Raises: OSError; ValueError without a video stream.
    """
    with av.open(str(clip), metadata_errors="ignore") as container:
        stream = video_stream(container)
        if stream is None:
            raise ValueError(f"{clip} has no video stream that can be decoded")
        first_s: float | None = None
        for frame in container.decode(stream):
            time_s = float((frame.pts or 0) * (frame.time_base or 0))
            first_s = time_s if first_s is None else first_s
            yield to_rgb(frame), time_s - first_s
