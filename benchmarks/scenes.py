"""Films composed by a script: some tiles of one face, each moving a little, on a grey canvas.

The face is the public-domain portrait of the demo clip, so nothing needs the data folder.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
import cv2
import numpy as np

from benchmarks.rtc.scene import portrait
from stream.types import Pixels

FPS: Final = 30
HEIGHT_PX: Final = 720
COLUMNS: Final = 4
ROWS: Final = 2
MOST_FACES: Final = COLUMNS * ROWS
ORDER: Final = (1, 6, 3, 4, 2, 5, 0, 7)
"""The cells in the order in which faces come into them, spread over the canvas."""
GREY: Final = 106
SHARE: Final = 0.82
"""Of a cell's shorter side that a tile takes; the rest is room to move in."""


@dataclass(frozen=True, slots=True)
class Scene:
    """`faces` tiles on a canvas of 16:9, `height_px` high; a cell is a quarter by a half of it."""

    faces: int
    height_px: int = HEIGHT_PX

    def __post_init__(self) -> None:
        if not 0 <= self.faces <= MOST_FACES:
            raise ValueError(f"a scene has room for {MOST_FACES} faces, not {self.faces}")

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height."""
        return self.height_px * 16 // 9, self.height_px

    @property
    def tile_px(self) -> int:
        """The side of a tile."""
        width, height = self.size_px
        return int(SHARE * min(width / COLUMNS, height / ROWS))

    def corner(self, face: int, time_s: float) -> tuple[float, float]:
        """Where a tile's left upper corner is: about its cell's middle, as a head moves that talks,
        no two alike.
        """
        width, height = self.size_px[0] / COLUMNS, self.size_px[1] / ROWS
        row, column = divmod(ORDER[face], COLUMNS)
        room = (1 - SHARE) / 2 * min(width, height) - 1
        turn = 2 * math.pi * time_s
        across = room * math.sin(turn / 3.2 + face)
        down = room * math.sin(turn / 2.3 + 2 * face)
        x = column * width + (width - self.tile_px) / 2 + across
        y = row * height + (height - self.tile_px) / 2 + down
        return x, y

    def frames(self, count: int) -> Iterator[Pixels]:
        """Pictures at `FPS`: uint8 (H, W, 3), RGB."""
        side = self.tile_px
        tile = cv2.resize(portrait(), (side, side), interpolation=cv2.INTER_AREA)
        width, height = self.size_px
        for number in range(count):
            canvas = np.full((height, width, 3), GREY, np.uint8)
            for face in range(self.faces):
                _put(canvas, np.asarray(tile, np.uint8), self.corner(face, number / FPS))
            yield canvas


def _put(canvas: Pixels, tile: Pixels, corner: tuple[float, float]) -> None:
    """Draw the tile between pixels, so that slow motion is smooth."""
    left, top = (math.floor(value) for value in corner)
    side = len(tile) + 1
    place = canvas[top : top + side, left : left + side]
    shift = np.array([[1, 0, corner[0] - left], [0, 1, corner[1] - top]], np.float64)
    size = (place.shape[1], place.shape[0])
    cv2.warpAffine(tile, shift, size, dst=place, borderMode=cv2.BORDER_TRANSPARENT)


def film(scene: Scene, path: Path, frames: int) -> Path:
    """Encode the scene as a camera does: H.264 without B-frames, a keyframe each second."""
    options = {"preset": "veryfast", "tune": "zerolatency", "crf": "23", "g": str(FPS)}
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options=options)
        (stream.width, stream.height), stream.pix_fmt = scene.size_px, "yuv420p"
        for number, pixels in enumerate(scene.frames(frames)):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path
