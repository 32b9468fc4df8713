"""Fifty uploads at once beside four live cameras: the cameras' evidence stays young.

The cameras are those of `streams`: 720p, 30 fps, by their own clocks, from a process of their own.
Fifty clients send a clip, follow its job to the end, and send it again; who is told to come back
waits as long as it is told. Clients, cameras and program share this machine's cores.
"""

from __future__ import annotations

import http.client
import sys
import tempfile
import threading
import time
from argparse import Namespace
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.files import repeated
from benchmarks.live import LiveRun, Span
from benchmarks.program import ProgramEnded, engine_options
from benchmarks.report import Report, Requirement, parser, percentiles
from benchmarks.rtsp.camera_file import as_camera_sends
from benchmarks.service import ask, free_port, wait_serving
from stream.config import data_dir

CLIP: Final = "clips/speaker-720p.mp4"
NO_DATA: Final = f"uploads: needs the data folder with {CLIP} (DEEPFAKESTREAM_DATA)"
CAMERAS: Final = 4
CLIENTS: Final = 50
CLIP_S: Final = 10.0
AGE_MS: Final = 500.0
SETTLE_S: Final = 5.0
POLL_S: Final = 1.0
COME_BACK: Final = (429, 503)


@dataclass(slots=True)
class Tally:
    """What the clients were told."""

    answers: Counter[int] = field(default_factory=Counter)
    jobs: Counter[str] = field(default_factory=Counter)
    rude: int = 0
    """Told to come back, but not when."""
    broken: int = 0
    """Connections that broke instead of an answer."""

    @property
    def unclear(self) -> int:
        """What a client could do nothing with."""
        wrong = sum(n for status, n in self.answers.items() if status not in (202, *COME_BACK))
        return wrong + self.rude + self.broken


class Client:
    """One of those who send; `run` in a thread of its own until `over`."""

    def __init__(self, port: int, clip: bytes, tally: Tally, over: threading.Event) -> None:
        self._port = port
        self._clip = clip
        self._tally = tally
        self._over = over

    def run(self) -> None:
        """Send, follow, wait, send again."""
        while not self._over.is_set():
            try:
                self._once()
            except (OSError, http.client.HTTPException):
                if not self._over.is_set():
                    self._tally.broken += 1

    def _once(self) -> None:
        answer = ask(self._port, "POST", "/v1/analyze/video", self._clip)
        self._tally.answers[answer.status] += 1
        if answer.status == 202:
            self._follow(answer.body["id"])
        elif answer.retry_after_s is None:
            self._tally.rude += answer.status in COME_BACK
            self._over.wait(POLL_S)
        else:
            self._over.wait(answer.retry_after_s)

    def _follow(self, job_id: str) -> None:
        while not self._over.wait(POLL_S):
            state = ask(self._port, "GET", f"/v1/jobs/{job_id}").body["state"]
            if state not in {"waiting", "running"}:
                self._tally.jobs[state] += 1
                return


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
        clip = repeated(data / CLIP, Path(folder) / "clip.mp4", CLIP_S).read_bytes()
        try:
            report = _measure(film, clip, options)
        except (ProgramEnded, RuntimeError) as exc:
            print(f"uploads: {exc}")
            return 2
    return report.finish(options.json, options.check, options.markdown)


def _measure(film: Path, clip: bytes, options: Namespace) -> Report:
    port, tally, over = free_port(), Tally(), threading.Event()
    program = [*engine_options(options.engine, options.device), "--port", str(port)]
    with LiveRun(film, options.cameras, program, serve=True) as run:
        run.wait_ready()
        wait_serving(port)
        time.sleep(SETTLE_S)
        print("Without uploads …", file=sys.stderr)
        before = run.watch(options.seconds / 3)
        print(f"{options.clients} clients …", file=sys.stderr)
        with ThreadPoolExecutor(options.clients) as clients:
            try:
                for _ in range(options.clients):
                    clients.submit(Client(port, clip, tally, over).run)
                during = run.watch(options.seconds)
            finally:
                over.set()
        run.stop()
    report = Report("uploads", {"clip": CLIP, "cameras": options.cameras, "clip_s": CLIP_S})
    _tell(before, during, tally, report)
    return report


def _tell(before: Span, during: Span, tally: Tally, report: Report) -> None:
    rows = [_row("without uploads", before), _row("beside uploads", during)]
    report.show(rows)
    told = {str(status): count for status, count in sorted(tally.answers.items())}
    print(f"\nUploads were answered {told}; jobs: {dict(tally.jobs)}; broken: {tally.broken}")
    report.figures |= {"rows": rows, "answers": told, "jobs": dict(tally.jobs)}
    report.figures["broken"] = tally.broken
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
