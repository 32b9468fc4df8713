"""How long from capture to score, and what a source frame costs, beside the naive pipeline.

A 720p 30 fps file is played as a live camera, and forwarded without re-encoding by a real RTSP
server, whose CPU is listed apart. The file is encoded first as cameras encode, without B-frames:
with them every picture waits for later ones in the sender, and that would be measured. Each run is
the program itself, `run_stream.py`, in a process of its own; its summary has the latencies, its
process the CPU time. Nobody watches the preview. The time from start to first score is that of
later starts, which find the engine chosen.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.playback import count_scored
from benchmarks.program import Program, ProgramEnded, Watched, engine_options, summary_of
from benchmarks.report import NOT_RUN, Report, Requirement, parser, percentiles
from benchmarks.rtsp.camera_file import as_camera_sends
from benchmarks.rtsp.rig import RtspServer, missing
from stream.config import REPOSITORY, data_dir

CLIP: Final = "clips/speaker-720p.mp4"
NO_DATA: Final = f"latency: needs the data folder with {CLIP} (DEEPFAKESTREAM_DATA)"
FPS: Final = 30000 / 1001
ALLOWED_MS: Final = 40.0
START_S: Final = 3.0
STARTS: Final = 3
NAIVE_FRAMES: Final = 60
WARM_UP_FRAMES: Final = 30
"""Not counted in CPU a frame: opening the source and the first calls are no steady state."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the program: its stream's summary, and milliseconds of CPU a source frame of the
    program and of the server that sent the frames (None without one).
    """

    summary: dict[str, Any]
    cpu_ms: float
    server_cpu_ms: float | None

    def rows(self, name: str) -> list[dict[str, Any]]:
        """One table row for each hop."""
        hops = self.summary["latency_ms"].items()
        return [{"source": name, "capture to (ms)": hop} | values for hop, values in hops]


def main(arguments: Sequence[str]) -> int:
    """Run the benchmark; see `benchmarks.__main__` for the exit codes."""
    made = parser("latency", __doc__ or "")
    made.add_argument("--seconds", type=float, default=30.0, help="length of a run (%(default)s)")
    options = made.parse_args(arguments)
    data = data_dir()
    film = data / CLIP if data else None
    if film is None or not film.is_file():
        print(NO_DATA)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        print("Encoding the clip as a camera sends it …", file=sys.stderr)
        clip = as_camera_sends(film, Path(folder) / "clip.mp4")
        try:
            report = _measure(clip, options)
        except ProgramEnded as exc:
            print(f"latency: {exc}")
            return 2
    return report.finish(options.json, options.check, options.markdown)


def _measure(clip: Path, options: Namespace) -> Report:
    engine = engine_options(options.engine, options.device)
    program = [*engine, "--duration", str(options.seconds)]
    report = Report("latency", {"clip": CLIP, "seconds": options.seconds, "viewers": 0})
    runs = {"file as a camera": _run(str(clip), program, None)}
    if (why := missing()) is None:
        with RtspServer(file=clip) as server:
            runs["RTSP over TCP"] = _run(server.url("file"), program, Watched(server.pid))
    else:
        print(f"RTSP: {NOT_RUN}: {why}")
    _tell(runs, _naive(clip), report)
    _tell_starts(_starts(clip, engine), report)
    return report


def _run(source: str, program: list[str], server: Watched | None) -> Run:
    with Program([f"clip={source}", *program, "--no-serve"]) as running:
        watched = [running.watched] + ([server] if server else [])
        first: tuple[int, list[float]] | None = None
        last = (0, [0.0, 0.0])
        for line in running.lines():
            body = json.loads(line)
            if (streams := summary_of(body)) is not None:
                return _result(streams["clip"], first or last, last)
            last = (body["frame_seq"], [one.cpu_s() for one in watched])
            if first is None and body["frame_seq"] >= WARM_UP_FRAMES:
                first = last
        raise running.ended()


def _starts(clip: Path, program: list[str]) -> list[float]:
    """Seconds from starting the program to its first score, the first start left out: that one
    chooses the engine, and the others find the choice.
    """
    return [_start(clip, program) for _ in range(1 + STARTS)][1:]


def _start(clip: Path, program: list[str]) -> float:
    begin_s = time.monotonic()
    with Program([f"clip={clip}", *program, "--no-serve"]) as running:
        for line in running.lines():
            if count_scored(json.loads(line).get("faces", ())):
                return time.monotonic() - begin_s
        raise running.ended()


def _result(
    summary: dict[str, Any], first: tuple[int, list[float]], last: tuple[int, list[float]]
) -> Run:
    frames = max(last[0] - first[0], 1)
    spent = [1000 * (b - a) / frames for a, b in zip(first[1], last[1], strict=True)]
    return Run(summary, spent[0], spent[1] if len(spent) > 1 else None)


def _naive(clip: Path) -> dict[str, Any] | None:
    command = [sys.executable, "-m", "benchmarks.naive", str(clip), str(NAIVE_FRAMES)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=REPOSITORY)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        print(f"naive pipeline: {NOT_RUN}: {reason} (it needs torch, timm and facenet-pytorch)")
        return None
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def _tell(runs: dict[str, Run], naive: dict[str, Any] | None, report: Report) -> None:
    report.show([row for name, run in runs.items() for row in run.rows(name)])
    costs = []
    for name, run in runs.items():
        ratio = naive["cpu_ms_per_frame"] / run.cpu_ms if naive else None
        costs.append(
            {
                "pipeline": name,
                "frames": run.summary["frames"],
                "dropped": run.summary["dropped"],
                "CPU ms/frame": run.cpu_ms,
                "server CPU ms/frame": run.server_cpu_ms,
                "naive / ours": ratio,
            }
        )
    if naive:
        costs.append(
            {
                "pipeline": "naive, every frame",
                "frames": naive["frames"],
                "dropped": None,
                "CPU ms/frame": naive["cpu_ms_per_frame"],
                "server CPU ms/frame": None,
                "naive / ours": None,
            }
        )
    report.show(costs)
    report.figures |= {name: run.summary for name, run in runs.items()}
    report.figures |= {"cost": costs, "naive": naive}
    limit_ms = 1000 / FPS + ALLOWED_MS
    for name, run in runs.items():
        scored = run.summary["latency_ms"]["scored"]["p95"]
        report.requirements.append(
            Requirement(f"{name}: capture to score p95, ms", scored, limit_ms, at_least=False)
        )


def _tell_starts(starts_s: Sequence[float], report: Report) -> None:
    report.show(
        [{"start to first score (s), engine chosen before": "file"} | percentiles(starts_s)]
    )
    report.figures["first_score_s"] = percentiles(starts_s)
    start_s = statistics.median(starts_s)
    report.requirements.append(
        Requirement("start to first score, s", start_s, START_S, at_least=False)
    )
