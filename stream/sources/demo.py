"""DemoSource: the clip that ships with the program, so that it runs without camera and network."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from stream.sources.base import SourceOptions
from stream.sources.file import FileSource

CLIP: Final = Path(__file__).resolve().parent / "media" / "demo.mp4"


class DemoSource(FileSource):
    """24 s of a portrait, the first half untouched, the second face-swapped (`media/demo.json`)."""

    def __init__(self, target: str, options: SourceOptions) -> None:
        del target  # there is one demo
        super().__init__(str(CLIP), options)
        self._shown = "demo"
