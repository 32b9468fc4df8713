"""Fifty uploads at once beside four live cameras: the cameras' evidence stays young.

The cameras are those of `streams`: 720p, 30 fps, by their own clocks, from a process of their own.
Fifty clients send a clip, follow its job to the end, and send it again; who is told to come back
waits as long as it is told. Clients, cameras and program are processes of their own, and share this
machine's cores.
"""

from __future__ import annotations

import sys
import tempfile
import time
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.files import repeated
from benchmarks.live import LiveRun, Span
from benchmarks.program import ProgramEnded, engine_options
from benchmarks.report import Report, Requirement, parser, percentiles
from benchmarks.rtsp.camera_file import as_camera_sends
from benchmarks.senders import Senders, Tally
from benchmarks.service import free_port, wait_serving
from stream.config import data_dir

CLIP: Final = "clips/speaker-720p.mp4"
NO_DATA: Final = f"uploads: needs the data folder with {CLIP} (DEEPFAKESTREAM_DATA)"
CAMERAS: Final = 4
CLIENTS: Final = 50
CLIP_S: Final = 10.0
AGE_MS: Final = 500.0
SETTLE_S: Final = 5.0


def main(arguments: Sequence[str]) -> int:
    """Run the benchmark; see `benchmarks.__main__` for the exit codes."""
    made = parser("uploads", __doc__ or "")
    made.add_argument("--cameras", type=int, default=CAMERAS, help="live (%(default)s)")
    made.add_argument("--clients", type=int, default=CLIENTS, help="that send (%(default)s)")
    made.add_argument("--seconds", type=float, default=30.0, help="of the load (%(default)s)")
    options = made.parse_args(arguments)
    data = data_dir()
    if data is None or not (data / CLIP).is_file():
        print(NO_DATA)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        film = as_camera_sends(data / CLIP, Path(folder) / "camera.mp4")
        clip = repeated(data / CLIP, Path(folder) / "clip.mp4", CLIP_S)
        try:
            report = _measure(film, clip, options)
        except (ProgramEnded, RuntimeError) as exc:
            print(f"uploads: {exc}")
            return 2
    return report.finish(options.json, options.check, options.markdown)


def _measure(film: Path, clip: Path, options: Namespace) -> Report:
    port = free_port()
    program = [*engine_options(options.engine, options.device), "--port", str(port)]
    with LiveRun(film, options.cameras, program, serve=True) as run:
        run.wait_ready()
        wait_serving(port)
        time.sleep(SETTLE_S)
        print("Without uploads …", file=sys.stderr)
        before = run.watch(options.seconds / 3)
        print(f"{options.clients} clients …", file=sys.stderr)
        with Senders(port, clip, options.clients) as senders:
            during = run.watch(options.seconds)
            senders_cpu_s = senders.watched.cpu_s()
            tally = senders.stop()
        run.stop()
    report = Report("uploads", {"clip": CLIP, "cameras": options.cameras, "clip_s": CLIP_S})
    _tell(before, during, tally, senders_cpu_s, report)
    return report


def _tell(before: Span, during: Span, tally: Tally, senders_cpu_s: float, report: Report) -> None:
    rows = [_row("without uploads", before), _row("beside uploads", during)]
    report.show(rows)
    told = dict(sorted(tally.answers.items()))
    print(f"\nUploads were answered {told}; jobs: {dict(tally.jobs)}; broken: {tally.broken}")
    print(f"The clients took {senders_cpu_s:.2g} s of CPU")
    report.figures |= {"rows": rows, "answers": told, "jobs": dict(tally.jobs)}
    report.figures |= {"broken": tally.broken, "clients_cpu_s": senders_cpu_s}
    report.requirements += [
        Requirement("live age p99 beside uploads, ms", rows[1]["p99 (ms)"], AGE_MS, at_least=False),
        Requirement("uploads without a clear answer", tally.unclear, 0, at_least=False),
        Requirement("clips analysed meanwhile", tally.jobs["done"], 1),
    ]


def _row(name: str, span: Span) -> dict[str, Any]:
    ages = percentiles(span.ages_ms)
    return {
        "live cameras": name,
        "age p50": ages["p50"],
        "p95": ages["p95"],
        "p99 (ms)": float(np.percentile(span.ages_ms, 99, method="higher")),
        "samples": ages["count"],
        "scores/s a face, least": min(one.scores_per_s(span.seconds) for one in span.tallies),
        "CPU (%), without decoders of files": 100 * span.cpu_s / span.seconds,
    }
