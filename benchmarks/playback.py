"""Files through the program as fast as it can: boxes of every frame, and CPU a source frame.

With ``--fast`` the decoder waits for the analysis, so nothing is dropped and every decoded frame
has a message: lines are frames.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from benchmarks.program import Program, Watched, summary_of

WARM_UP_FRAMES: Final = 30
"""Of each stream: opening the source and the first calls are no steady state."""
CHUNK_FRAMES: Final = 25
"""Frames between two readings of the CPU: enough for the kernel's steps of 10 ms, and a second of
film, so that a chunk holds the same share of detections and scores as the next.
"""
Boxes = Sequence[Sequence[float]]


@dataclass(slots=True)
class Meter:
    """Reads the CPU every `CHUNK_FRAMES` lines of each source; the warm-up is not counted."""

    watched: Watched
    sources: int = 1
    lines: int = 0
    chunks_ms: list[float] = field(default_factory=list)
    begin_s: float = 0.0
    _at_s: float = 0.0
    _cpu_s: float = 0.0

    def line(self) -> None:
        """A line was read: of another frame."""
        self.lines += 1
        counted = self.lines - WARM_UP_FRAMES * self.sources
        chunk = CHUNK_FRAMES * self.sources
        if counted < 0 or counted % chunk:
            return
        cpu_s, self._at_s = self.watched.cpu_s(), time.monotonic()
        if counted:
            self.chunks_ms.append(1000 * (cpu_s - self._cpu_s) / chunk)
        else:
            self.begin_s = self._at_s
        self._cpu_s = cpu_s

    @property
    def frames_per_s(self) -> float:
        """Over the frames that count; 0 without a whole chunk."""
        spent_s = self._at_s - self.begin_s
        frames = len(self.chunks_ms) * CHUNK_FRAMES * self.sources
        return frames / spent_s if frames else 0.0


@dataclass(frozen=True, slots=True)
class Played:
    """What came of one run: `chunks_ms` is CPU milliseconds a frame, one value a chunk."""

    frames: int
    lines: int
    chunks_ms: tuple[float, ...]
    frames_per_s: float
    boxes: Mapping[int, Boxes]
    scored: int
    face_frames: int


def play(files: Sequence[Path], program: Sequence[str]) -> Played:
    """Run the files side by side to their ends; `boxes` are those of the first one's frames.

    Raises: ProgramEnded when the program cannot play them.
    """
    sources = [f"clip{number}={file}" for number, file in enumerate(files)]
    boxes: dict[int, Boxes] = {}
    scored = face_frames = 0
    with Program([*sources, *program, "--fast", "--once", "--no-serve"]) as running:
        meter = Meter(running.watched, len(files))
        for line in running.lines():
            body = json.loads(line)
            if (streams := summary_of(body)) is not None:
                frames = [one["frames"] for one in streams.values()]
                if not all(frames):
                    break
                return Played(
                    sum(frames), meter.lines, tuple(meter.chunks_ms), meter.frames_per_s,
                    boxes, scored, face_frames,
                )  # fmt: skip
            meter.line()
            faces = body["faces"]
            face_frames += len(faces)
            scored += count_scored(faces)
            if body["stream_id"] == "clip0":
                boxes[body["frame_seq"]] = [face["box_px"] for face in faces]
        raise running.ended()


def count_scored(faces: Sequence[Mapping[str, Any]]) -> int:
    """How many of a message's faces the network scored on this very frame."""
    return sum(face["frame_probability_fake"] is not None for face in faces)
