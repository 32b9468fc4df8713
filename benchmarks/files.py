"""A clip sent as a file: how much faster than it plays, and whether it is judged as when it plays.

60 s of 720p with one face, a clip of the data folder repeated, are uploaded to the program over
HTTP; the time runs from the first byte sent to the result. Then the same file is played live by the
same program. Both results are the mean over segments of 1 s of the frames' probabilities, of the
highest face.
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

from benchmarks.program import Program, ProgramEnded, engine_options
from benchmarks.report import Report, Requirement, parser
from benchmarks.service import ask, file_service, wait_ended
from engines.spec import ModelSpec
from stream.config import REPOSITORY, data_dir
from stream.files.course import Course, clip_state, highest
from stream.messages import OverlayMessage

CLIP: Final = "clips/speaker-720p.mp4"
NO_DATA: Final = f"files: needs the data folder with {CLIP} (DEEPFAKESTREAM_DATA)"
TIMES_REAL_TIME: Final = 5.0
APART: Final = 0.02


@dataclass(frozen=True, slots=True)
class Judged:
    """What was said of the clip, and how long that took."""

    probability: float
    state: str
    samples: int
    seconds: float
    cpu_s: float

    def row(self, name: str, plays_s: float) -> dict[str, Any]:
        """For the table."""
        return {
            "clip": name,
            "probability": self.probability,
            "state": self.state,
            "frames scored": self.samples,
            "seconds": self.seconds,
            "times real time": plays_s / self.seconds,
            "CPU (s), without decoders": self.cpu_s,
        }


def main(arguments: Sequence[str]) -> int:
    """Run the benchmark; see `benchmarks.__main__` for the exit codes."""
    made = parser("files", __doc__ or "")
    made.add_argument("--seconds", type=float, default=60.0, help="of the clip (%(default)s)")
    options = made.parse_args(arguments)
    data = data_dir()
    if data is None or not (data / CLIP).is_file():
        print(NO_DATA)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        film = repeated(data / CLIP, Path(folder) / "clip.mp4", options.seconds)
        try:
            report = _measure(film, Path(folder), options)
        except ProgramEnded as exc:
            print(f"files: {exc}")
            return 2
    return report.finish(options.json, options.check, options.markdown)


def repeated(film: Path, target: Path, seconds: float) -> Path:
    """Write the first `seconds` of `film`, over and over, not encoded anew."""
    with av.open(str(target), "w") as written:
        copied, start_s = None, 0.0
        while start_s < seconds:
            with av.open(str(film)) as read:
                stream = read.streams.video[0]
                assert stream.time_base
                copied = copied or written.add_stream_from_template(stream)
                start = round(start_s / stream.time_base)
                for packet in read.demux(stream):
                    at = (packet.dts or 0) + start
                    if packet.dts is None or at * stream.time_base >= seconds:
                        continue
                    packet.dts, packet.pts = at, (packet.pts or 0) + start
                    packet.stream = copied
                    written.mux(packet)
                start_s += float((stream.duration or 0) * stream.time_base)
    return target


def _measure(film: Path, folder: Path, options: Namespace) -> Report:
    program = engine_options(options.engine, options.device)
    print("Sent as a file …", file=sys.stderr)
    job = _sent(film, folder, program)
    print(f"Played live, {options.seconds:.0f} s …", file=sys.stderr)
    live = _played(film, program)
    report = Report("files", {"clip": CLIP, "seconds": options.seconds})
    rows = [job.row("sent as a file", options.seconds), live.row("played live", options.seconds)]
    report.show(rows)
    report.figures["runs"] = rows
    apart = abs(job.probability - live.probability)
    report.requirements += [
        Requirement("times real time", options.seconds / job.seconds, TIMES_REAL_TIME),
        Requirement("probabilities apart", apart, APART, at_least=False),
        Requirement("verdicts that differ", float(job.state != live.state), 0.0, at_least=False),
    ]
    return report


def _sent(film: Path, folder: Path, arguments: Sequence[str]) -> Judged:
    with file_service(folder, arguments) as (program, port):
        clip, cpu_s, begin_s = film.read_bytes(), program.watched.cpu_s(), time.monotonic()
        answer = ask(port, "POST", "/v1/analyze/video", clip)
        if answer.status != 202:
            raise ProgramEnded(f"the clip was answered {answer.status}: {answer.body}")
        body = wait_ended(port, answer.body["id"])
        seconds, cpu_s = time.monotonic() - begin_s, program.watched.cpu_s() - cpu_s
    result = body["result"]
    if result is None or result["probability_fake"] is None:
        raise ProgramEnded(f"the clip's job ended with {body['state']}: {body['problem']}")
    samples = sum(face["samples"] for face in result["faces"])
    return Judged(result["probability_fake"], result["state"], samples, seconds, cpu_s)


def _played(film: Path, arguments: Sequence[str]) -> Judged:
    crop = ModelSpec.load(REPOSITORY / "weights" / "detector.json").crop
    assert crop
    course, begin_s, cpu_s = Course(crop, moments=0), time.monotonic(), 0.0
    with Program([f"clip={film}", "--once", "--no-serve", *arguments]) as program:
        for line in program.lines():
            if "summary" not in line:
                course.add(OverlayMessage.model_validate_json(line))
                cpu_s = program.watched.cpu_s()
        faces = course.faces()
        top = highest(faces)
        if top is None or top.probability_fake is None:
            raise program.ended()
    state = str(clip_state(faces) or "no_face")
    samples = sum(face.samples for face in faces)
    return Judged(top.probability_fake, state, samples, time.monotonic() - begin_s, cpu_s)
