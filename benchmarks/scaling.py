"""How the cost of a source frame grows with faces, resolution and streams.

The films are composed: tiles of one face on a 720p canvas. Each is played with ``--fast``, in
turns, several times over; the cost is process CPU, decoding included. The slope ratio is the slope
over the upper half of the places through that over the lower half: 1 is a straight line, more is
growth that is worse than linear. For streams the cost is that of one frame of each.
"""

from __future__ import annotations

import sys
import tempfile
from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from benchmarks.estimate import Estimate, Stratum, bend_of, mean, ratio
from benchmarks.playback import Played, play
from benchmarks.program import ProgramEnded, engine_options
from benchmarks.report import Report, Requirement, parser
from benchmarks.scenes import Scene, film

FACES: Final = (1, 2, 4, 6, 8)
HEIGHTS_PX: Final = (360, 720, 1080)
STREAMS: Final = (1, 2, 4, 8)
SLOPE_RATIO: Final = 1.1
EIGHT_FACES: Final = 4.0
SEEN: Final = 0.95
"""Share of the faces of a film that must have been boxed: what is overlooked costs nothing."""


@dataclass(slots=True)
class Point:
    """One film, or several at once: CPU milliseconds a frame, a value a chunk, of all turns."""

    files: Sequence[Path]
    faces: int
    chunks_ms: list[float] = field(default_factory=list)
    seen: float = 0.0

    def add(self, played: Played) -> None:
        """Take another turn."""
        self.chunks_ms += played.chunks_ms
        shown = sum(map(len, played.boxes.values()))
        self.seen = shown / max(len(played.boxes) * self.faces, 1)


Series = Mapping[int, Point]


def main(arguments: Sequence[str]) -> int:
    """Run the benchmark; see `benchmarks.__main__` for the exit codes."""
    made = parser("scaling", __doc__ or "")
    made.add_argument("--frames", type=int, default=280, help="of a film (%(default)s)")
    made.add_argument("--turns", type=int, default=3, help="of each film (%(default)s)")
    options = made.parse_args(arguments)
    try:
        with tempfile.TemporaryDirectory() as folder:
            print("Composing the films …", file=sys.stderr)
            series = _points(Path(folder), options.frames)
            _play(series, options)
    except ProgramEnded as exc:
        print(f"scaling: {exc}")
        return 2
    report = Report("scaling", {"frames": options.frames, "turns": options.turns})
    _tell(series, report)
    return report.finish(options.json, options.check, options.markdown)


def _points(folder: Path, frames: int) -> dict[str, Series]:
    def composed(faces: int, height_px: int = 720) -> Path:
        path = folder / f"{faces}-{height_px}.mp4"
        return path if path.is_file() else film(Scene(faces, height_px), path, frames)

    return {
        "faces": {count: Point([composed(count)], count) for count in FACES},
        "height (px)": {height: Point([composed(1, height)], 1) for height in HEIGHTS_PX},
        "streams": {count: Point([composed(1)] * count, 1) for count in STREAMS},
    }


def _play(series: Mapping[str, Series], options: Namespace) -> None:
    program = engine_options(options.engine, options.device)
    for turn in range(options.turns):  # in turns: what else the machine does hits all alike
        print(f"turn {turn + 1} of {options.turns} …", file=sys.stderr)
        for points in series.values():
            for point in points.values():
                point.add(play(point.files, program))


def _tell(series: Mapping[str, Series], report: Report) -> None:
    for name, points in series.items():
        report.show([_row(name, place, point) for place, point in points.items()])
        report.figures[name.partition(" ")[0]] = {
            str(place): {"cpu_ms_per_frame": mean(point.chunks_ms).body(), "seen": point.seen}
            for place, point in points.items()
        }
    bends = {
        "faces": bend_of({n: one.chunks_ms for n, one in series["faces"].items()}),
        "streams": bend_of(
            {n: [n * ms for ms in one.chunks_ms] for n, one in series["streams"].items()}
        ),
    }
    one, eight = series["faces"][1], series["faces"][8]
    times = ratio([Stratum(eight.chunks_ms, one.chunks_ms)])
    rows = [{"": f"slope ratio in {name}", "[95 %]": str(of)} for name, of in bends.items()]
    report.show([*rows, {"": "8 faces / 1 face", "[95 %]": str(times)}])
    report.figures["slope_ratio"] = {name: of.body() for name, of in bends.items()}
    report.figures["eight_faces"] = times.body()
    report.requirements += _requirements(series, bends, times)


def _requirements(
    series: Mapping[str, Series], bends: Mapping[str, Estimate], times: Estimate
) -> list[Requirement]:
    seen = min(point.seen for points in series.values() for point in points.values())
    return [
        *(
            Requirement(f"slope ratio in {name}", of.value, SLOPE_RATIO, at_least=False)
            for name, of in bends.items()
        ),
        Requirement("8 faces / 1 face", times.value, EIGHT_FACES, at_least=False),
        Requirement("share of the faces that were boxed, least", seen, SEEN),
    ]


def _row(name: str, place: int, point: Point) -> dict[str, Any]:
    estimate = mean(point.chunks_ms)
    return {
        name: place,
        "CPU ms/frame": str(estimate),
        "chunks": estimate.count,
        "faces boxed (%)": 100 * point.seen,
    }
