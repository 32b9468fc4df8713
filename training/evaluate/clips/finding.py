"""The faces of a file, found frame by frame without the program."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import av

from stream.config import WEIGHTS
from stream.faces.finder import FaceFinder
from stream.faces.options import FacesOptions
from stream.sources.decoding import Decoder, to_rgb, video_stream
from stream.types import Pixels
from training.landmarks import opened_cascade


@contextmanager
def opened_finder(options: FacesOptions | None = None) -> Iterator[FaceFinder]:
    """Give a finder as the program makes it, on one thread.

    Raises: EngineError.
    """
    options = options or FacesOptions()
    with opened_cascade(WEIGHTS, options) as cascade:
        yield FaceFinder(cascade, options)


@dataclass(frozen=True, slots=True)
class Shown:
    """One picture of a file: uint8 RGB (H, W, 3), its media time, and how coarsely it was coded."""

    pixels: Pixels
    time_s: float
    quantiser: float | None


def pictures(clip: Path) -> Iterator[Shown]:
    """Every picture of a file; media time starts at 0.

    Raises: OSError; ValueError without a video stream.
    """
    with av.open(str(clip), metadata_errors="ignore") as container:
        stream = video_stream(container)
        if stream is None:
            raise ValueError(f"{clip} has no video stream that can be decoded")
        decoder = Decoder(stream)
        first_s: float | None = None
        for packet in container.demux(stream):
            for picture in decoder.decode(packet):
                time_s = picture.timestamp_s or 0.0
                first_s = time_s if first_s is None else first_s
                yield Shown(to_rgb(picture.frame), time_s - first_s, picture.quantiser())
