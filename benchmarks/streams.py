"""How many live cameras the machine holds: open loop, as MLPerf's Server scenario asks.

N cameras of 720p, 30 fps H.264 with one face each send by their own clocks and phases, whether or
not anybody keeps up, over RTSP in TCP from a process of their own; the pictures are encoded
beforehand. The age of each camera's evidence is sampled every 50 ms. A number of cameras holds when
the 99th percentile of all ages is within 500 ms and every face is scored three times a second.
"""

from __future__ import annotations

import sys
import tempfile
import time
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import av
import numpy as np

from benchmarks.live import LiveRun, Span, largest
from benchmarks.program import ProgramEnded, engine_options
from benchmarks.report import Report, Requirement, parser, percentiles
from benchmarks.rtsp.camera_file import as_camera_sends
from benchmarks.scenes import Scene
from benchmarks.scenes import film as film_of
from stream.config import data_dir

CLIP: Final = "clips/speaker-720p.mp4"
COMPOSED_FRAMES: Final = 600
AGE_MS: Final = 500.0
SCORES_PER_S: Final = 3.0
CAMERAS: Final = 12
SETTLE_S: Final = 8.0
"""After the first scores: windows fill, and what bends with the load has bent."""


@dataclass(frozen=True, slots=True)
class Level:
    """One number of cameras, measured. `sent` is what their process said at the end."""

    cameras: int
    start_s: float
    span: Span
    sent: dict[str, Any]

    @property
    def age_p99_ms(self) -> float:
        """Infinite while a face had no evidence at all for that long."""
        return float(np.percentile(self.span.ages_ms, 99, method="higher"))

    @property
    def scores_per_s(self) -> list[float]:
        """Of each camera's face."""
        return [one.scores_per_s(self.span.seconds) for one in self.span.tallies]

    @property
    def holds(self) -> bool:
        """Whether evidence is young enough and every face is scored often enough."""
        return self.age_p99_ms <= AGE_MS and min(self.scores_per_s) >= SCORES_PER_S

    def row(self) -> dict[str, Any]:
        """For the table."""
        span, ages = self.span, percentiles(self.span.ages_ms)
        frames = sum(one.frames for one in span.tallies)
        return {
            "cameras": self.cameras,
            "holds": "yes" if self.holds else "no",
            "age p50": ages["p50"],
            "p95": ages["p95"],
            "p99 (ms)": self.age_p99_ms,
            "samples": ages["count"],
            "scores/s a face, least": min(self.scores_per_s),
            "mean": float(np.mean(self.scores_per_s)),
            "decoded fps, least": min(one.frames for one in span.tallies) / span.seconds,
            "dropped (%)": 100 * sum(one.dropped for one in span.tallies) / max(frames, 1),
            "CPU (%)": 100 * span.cpu_s / span.seconds,
            "ms/frame": 1000 * span.cpu_s / max(frames, 1),
            "cameras' CPU (%)": 100 * span.cameras_cpu_s / span.seconds,
            "reader's CPU (%)": 100 * span.reader_cpu_s / span.seconds,
            "MB": span.footprint.rss_mb,
            "start (s)": self.start_s,
        }

    def figures(self) -> dict[str, Any]:
        """For JSON."""
        span = self.span
        frames = sum(one.frames for one in span.tallies)
        return {
            "cameras": self.cameras,
            "holds": self.holds,
            "age_ms": percentiles(span.ages_ms),
            "capture_to_read_ms": percentiles([ms for ms in span.capture_ms if ms == ms]),
            "scores_per_s": percentiles(self.scores_per_s),
            "decoded_fps": percentiles([one.frames / span.seconds for one in span.tallies]),
            "dropped_share": sum(one.dropped for one in span.tallies) / max(frames, 1),
            "cpu_ms_per_frame": 1000 * span.cpu_s / max(frames, 1),
            "cpu_percent": 100 * span.cpu_s / span.seconds,
            "cameras_cpu_percent": 100 * span.cameras_cpu_s / span.seconds,
            "reader_cpu_percent": 100 * span.reader_cpu_s / span.seconds,
            "memory_mb": span.footprint.rss_mb,
            "threads": span.footprint.threads,
            "descriptors": span.footprint.descriptors,
            "start_s": self.start_s,
            "sent": self.sent,
        }


@dataclass(frozen=True, slots=True)
class Decoding:
    """What one picture of the cameras' film costs to decode, with nothing else running."""

    ms: float
    fps: float

    @classmethod
    def of(cls, film: Path) -> Decoding:
        """Decode all of `film` in one thread, as the program does with each camera's H.264."""
        with av.open(str(film)) as container:
            pictures = container.streams.video[0]
            pictures.codec_context.thread_count = 1
            begin_s = time.process_time()
            count = sum(1 for _ in container.decode(pictures))
            spent_s = time.process_time() - begin_s
            return cls(1000 * spent_s / count, float(pictures.average_rate or 25))

    def row(self, cameras: int) -> dict[str, Any]:
        """For the table: a floor that no program which decodes every picture gets below."""
        return {
            "decoding alone": f"{cameras} cameras",
            "ms/frame": self.ms,
            "CPU (%)": cameras * self.fps * self.ms / 10,
        }


def main(arguments: Sequence[str]) -> int:
    """Run the benchmark; see `benchmarks.__main__` for the exit codes."""
    made = parser("streams", __doc__ or "")
    made.add_argument("--cameras", type=int, default=CAMERAS, help="to begin with (%(default)s)")
    made.add_argument("--most", action="store_true", help="search the largest number that holds")
    made.add_argument("--seconds", type=float, default=30.0, help="of a level (%(default)s)")
    made.add_argument("--settle", type=float, default=SETTLE_S, help="before it (%(default)s)")
    options = made.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        try:
            film = load_film(Path(folder))
            decoding = Decoding.of(film)
            levels, most = _levels(film, options)
        except (ProgramEnded, RuntimeError) as exc:
            print(f"streams: {exc}")
            return 2
    report = Report("streams", {"clip": film.name, "seconds": options.seconds})
    _tell(levels, most, decoding, report)
    return report.finish(options.json, options.check, options.markdown)


def load_film(folder: Path) -> Path:
    """The film that cameras send, made in `folder`: the data folder's speaker, else a composed
    scene with one face.
    """
    print("Encoding the cameras' film …", file=sys.stderr)
    data = data_dir()
    if data is not None and (data / CLIP).is_file():
        return as_camera_sends(data / CLIP, folder / Path(CLIP).name)
    return film_of(Scene(1), folder / "one-face.mp4", COMPOSED_FRAMES)


def _levels(film: Path, options: Namespace) -> tuple[list[Level], int | None]:
    levels: list[Level] = []

    def holds(cameras: int) -> bool:
        levels.append(_level(film, cameras, options))
        return levels[-1].holds

    if options.most:
        return levels, largest(holds, options.cameras)
    holds(options.cameras)
    return levels, None


def _level(film: Path, cameras: int, options: Namespace) -> Level:
    print(f"{cameras} cameras …", file=sys.stderr)
    with LiveRun(film, cameras, engine_options(options.engine, options.device)) as run:
        start_s = run.wait_ready()
        time.sleep(options.settle)
        span = run.watch(options.seconds)
        return Level(cameras, start_s, span, run.stop())


def _tell(levels: Sequence[Level], most: int | None, decoding: Decoding, report: Report) -> None:
    report.show([level.row() for level in levels])
    report.show([decoding.row(level.cameras) for level in levels])
    report.figures["decoding"] = {"ms_per_frame": decoding.ms, "fps": decoding.fps}
    report.figures["levels"] = {str(level.cameras): level.figures() for level in levels}
    if most is not None:
        report.figures["most"] = most
        report.requirements.append(Requirement("cameras held", most, CAMERAS))
        return
    (level,) = levels
    name = f"{level.cameras} cameras"
    report.requirements += [
        Requirement(f"{name}: age p99, ms", level.age_p99_ms, AGE_MS, at_least=False),
        Requirement(f"{name}: scores/s a face", min(level.scores_per_s), SCORES_PER_S),
    ]
