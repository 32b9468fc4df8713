"""Half an hour of live cameras: does the program's memory stay where it is?

The cameras of `streams` play without a pause while the program's memory, threads and descriptors
are read every ten seconds, from outside. The memory's slope is the median of the slopes between all
pairs of readings after the warm-up (Theil and Sen), so that a single collection does not tilt it.
Ctrl+C ends it early, with what was measured so far; during the few seconds that this takes another
one does nothing, so that no process is left behind.
"""

from __future__ import annotations

import signal
import statistics
import sys
import tempfile
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.estimate import slope
from benchmarks.live import LiveRun, Span
from benchmarks.program import ProgramEnded, engine_options
from benchmarks.report import Report, Requirement, parser, percentiles
from benchmarks.streams import CAMERAS, load_film

READING_S: Final = 10.0
WARM_UP: Final = 1 / 6
"""Share of the time until heaps and windows are full; five minutes of thirty."""
GROWTH_MB: Final = 1.0
IN_MINUTES: Final = 10.0


@dataclass(frozen=True, slots=True)
class Reading:
    """The program at a moment, and how it did in the seconds before."""

    minute: float
    rss_mb: float
    threads: int
    descriptors: int
    age_p99_ms: float
    scores_per_s: float
    cpu_percent: float

    def __str__(self) -> str:
        whole, part = divmod(round(60 * self.minute), 60)
        return (
            f"[{whole:3d}:{part:02d}] {self.rss_mb:.1f} MB, {self.threads} threads, "
            f"{self.descriptors} descriptors, age p99 {self.age_p99_ms:.0f} ms, "
            f"{self.scores_per_s:.1f} scores/s, {self.cpu_percent:.0f} % CPU"
        )


def main(arguments: Sequence[str]) -> int:
    """Run the benchmark; see `benchmarks.__main__` for the exit codes."""
    made = parser("soak", __doc__ or "")
    made.add_argument("--minutes", type=float, default=30.0, help="how long (%(default)s)")
    made.add_argument("--cameras", type=int, default=CAMERAS, help="how many (%(default)s)")
    options = made.parse_args(arguments)
    readings: list[Reading] = []
    before = signal.getsignal(signal.SIGINT)
    try:
        with tempfile.TemporaryDirectory() as folder:
            film = load_film(Path(folder))
            _soak(film, options, readings)
    except KeyboardInterrupt:
        pass  # before the cameras ran: nothing was measured, which is told below
    except (ProgramEnded, RuntimeError) as exc:
        print(f"soak: {exc}")
        return 2
    finally:
        signal.signal(signal.SIGINT, before)
    report = Report("soak", {"minutes": options.minutes, "cameras": options.cameras})
    _tell(readings, options.minutes, report)
    return report.finish(options.json, options.check, options.markdown)


def _soak(film: Path, options: Namespace, readings: list[Reading]) -> None:
    with LiveRun(film, options.cameras, engine_options(options.engine, options.device)) as run:
        try:
            run.wait_ready()
            minute = 0.0
            while minute < options.minutes:
                span = run.watch(min(READING_S, 60 * (options.minutes - minute) + 0.1))
                minute += span.seconds / 60
                readings.append(reading_of(minute, span))
                print(readings[-1], file=sys.stderr, flush=True)
        except KeyboardInterrupt:
            print("ending …", file=sys.stderr)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        run.stop()


def reading_of(minute: float, span: Span) -> Reading:
    """What a span says at its end."""
    held = span.footprint
    return Reading(
        minute,
        held.rss_mb,
        held.threads,
        held.descriptors,
        float(np.percentile(span.ages_ms, 99, method="higher")),
        min(one.scores_per_s(span.seconds) for one in span.tallies),
        100 * span.cpu_s / span.seconds,
    )


def growth(values: Sequence[float]) -> float:
    """How much higher the last third's median is than the first third's; NaN below three values."""
    third = len(values) // 3
    if not third:
        return float("nan")
    return statistics.median(values[-third:]) - statistics.median(values[:third])


def _tell(readings: Sequence[Reading], minutes: float, report: Report) -> None:
    warm = [one for one in readings if one.minute > WARM_UP * minutes]
    soaked = readings[-1].minute if readings else 0.0
    rise_mb = IN_MINUTES * slope([one.minute for one in warm], [one.rss_mb for one in warm])
    row: dict[str, Any] = {
        "minutes": soaked,
        "readings": len(warm),
        "MB in 10 minutes": rise_mb,
        "MB at the end": readings[-1].rss_mb if readings else None,
        "threads more": growth([one.threads for one in warm]),
        "descriptors more": growth([one.descriptors for one in warm]),
    }
    report.show([row])
    report.figures |= {
        "soaked_minutes": soaked,
        "memory_mb_in_10_minutes": rise_mb,
        "memory_mb": [round(one.rss_mb, 2) for one in readings],
        "threads_more": row["threads more"],
        "descriptors_more": row["descriptors more"],
        "worst_age_p99_ms": percentiles([one.age_p99_ms for one in warm]),
        "cpu_percent": percentiles([one.cpu_percent for one in warm]),
    }
    report.requirements += [
        Requirement("minutes soaked", soaked, minutes),
        Requirement("memory growth, MB in 10 minutes", rise_mb, GROWTH_MB, at_least=False),
        Requirement("threads more", row["threads more"], 0, at_least=False),
        Requirement("descriptors more", row["descriptors more"], 0, at_least=False),
    ]
