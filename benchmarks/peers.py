"""What a source frame costs beside other detectors, on the same frames, and whom we then miss.

Every real clip of the data folder, in the same run: the program with ``--fast`` (a box for every
decoded frame, each face scored four times a second) plays the clip twice, and in between the naive
pipeline of `benchmarks.naive` looks at frames spread through it: MTCNN(min_face_size=20).detect()
and an eager classifier on every face. MTCNN alone is the same looks without the classifier. A
ratio is that of mean process CPU a frame, decoding included on both sides; its interval is a
bootstrap over the looks and over seconds of our own. Recall is our boxes' on the looked-at frames,
against MTCNN's of confidence 0.9 and 40 px on.
"""

from __future__ import annotations

import json
import subprocess
import sys
from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import av

from benchmarks.estimate import Estimate, Stratum, mean, ratio
from benchmarks.playback import Played, play
from benchmarks.program import ProgramEnded, engine_options
from benchmarks.recall import Recall, recall_of
from benchmarks.report import NOT_RUN, Report, Requirement, parser
from stream.config import REPOSITORY, data_dir

NO_DATA: Final = "peers: needs the data folder with clips/ (DEEPFAKESTREAM_DATA)"
NO_NAIVE: Final = "peers: the naive pipeline cannot run (it needs torch, timm, facenet-pytorch)"
RATIO: Final = 60.0
RECALL: Final = 0.98


class PeerMissing(Exception):
    """A peer's program failed; the message is its last line."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One clip by all pipelines: CPU milliseconds a frame, one value a look or a second of ours."""

    clip: str
    size: str
    ours: Played
    again: Played
    naive: Mapping[str, Any]
    opencv: Mapping[str, Any] | None
    recall: Recall

    @property
    def ours_ms(self) -> tuple[float, ...]:
        """Of both runs."""
        return self.ours.chunks_ms + self.again.chunks_ms

    @property
    def naive_ms(self) -> list[float]:
        """Decoding, MTCNN and classifier."""
        return _costs(self.naive, "detect_ms", "classify_ms")

    @property
    def mtcnn_ms(self) -> list[float]:
        """Decoding and MTCNN."""
        return _costs(self.naive, "detect_ms")

    @property
    def opencv_ms(self) -> list[float]:
        """Decoding and OpenCV's detector; empty where it has no model."""
        return _costs(self.opencv, "detect_ms") if self.opencv else []

    @property
    def scores_per_s(self) -> float:
        """How often a second a face in sight was scored."""
        shown_s = self.ours.face_frames / float(self.naive["fps"])
        return self.ours.scored / shown_s if shown_s else float("nan")

    def stratum(self, theirs: Sequence[float]) -> Stratum:
        """Their cost over ours, counting as many frames as the clip has."""
        return Stratum(theirs, self.ours_ms, float(self.ours.frames))


def main(arguments: Sequence[str]) -> int:
    """Run the benchmark; see `benchmarks.__main__` for the exit codes."""
    made = parser("peers", __doc__ or "")
    made.add_argument("--frames", type=int, default=60, help="that peers look at (%(default)s)")
    made.add_argument("--clip", action="append", help="only clips whose name has this in it")
    made.add_argument("--yunet", type=Path, metavar="FILE", help="OpenCV's YuNet as ONNX")
    options = made.parse_args(arguments)
    clips = real_clips(data_dir(), options.clip or [""])
    if not clips:
        print(NO_DATA)
        return 2
    try:
        compared = [_compare(clip, options) for clip in clips]
    except PeerMissing as exc:
        print(f"{NO_NAIVE}: {exc}")
        return 2
    except ProgramEnded as exc:
        print(f"peers: {exc}")
        return 2
    report = Report("peers", {"looks_per_clip": options.frames})
    _tell(compared, report)
    return report.finish(options.json, options.check, options.markdown)


def real_clips(data: Path | None, parts: Sequence[str]) -> list[Path]:
    """The clips of the data folder that show real people and have one of `parts` in their names."""
    clips = sorted((data / "clips").glob("*.mp4")) if data else []
    real = [clip for clip in clips if not clip.name.startswith("fake")]
    return [clip for clip in real if any(part in clip.name for part in parts)]


def _compare(clip: Path, options: Namespace) -> Compared:
    print(f"{clip.name} …", file=sys.stderr)
    program = engine_options(options.engine, options.device)
    ours = play([clip], program)
    naive = _peer("benchmarks.naive", str(clip), str(options.frames), "--spread")
    again = play([clip], program)
    yunet = [str(options.yunet)] if options.yunet else []
    try:
        opencv = _peer("benchmarks.opencv_faces", str(clip), str(options.frames), *yunet)
    except PeerMissing as exc:
        print(f"OpenCV: {NOT_RUN}: {exc}", file=sys.stderr)
        opencv = None
    with av.open(str(clip)) as film:
        picture = film.streams.video[0]
        size = f"{picture.width}×{picture.height}"
        naive["fps"] = float(picture.average_rate or 25)
    recall = recall_of(naive["looks"], ours.boxes)
    return Compared(clip.stem, size, ours, again, naive, opencv, recall)


def _peer(*arguments: str) -> dict[str, Any]:
    command = [sys.executable, "-m", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=REPOSITORY)
    if done.returncode:
        raise PeerMissing((done.stderr.strip().splitlines() or ["no reason given"])[-1])
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def _costs(peer: Mapping[str, Any], *steps: str) -> list[float]:
    return [peer["decode_ms"] + sum(look[step] for step in steps) for look in peer["looks"]]


def _tell(compared: Sequence[Compared], report: Report) -> None:
    report.show([_cost_row(one) for one in compared])
    report.show([_found_row(one) for one in compared])
    whole = {
        "naive / ours": ratio([one.stratum(one.naive_ms) for one in compared]),
        "MTCNN / ours": ratio([one.stratum(one.mtcnn_ms) for one in compared]),
        "OpenCV / ours": ratio([one.stratum(one.opencv_ms) for one in compared]),
    }
    report.show([{"all clips": name, "times [95 %]": _told(of)} for name, of in whole.items()])
    report.figures["clips"] = {one.clip: _figures(one) for one in compared}
    report.figures["ratios"] = {name: of.body() for name, of in whole.items()}
    report.requirements += _requirements(compared, whole["naive / ours"])


def _requirements(compared: Sequence[Compared], whole: Estimate) -> list[Requirement]:
    wanted = [Requirement("naive / ours, all clips", whole.value, RATIO)]
    for one in compared:
        costs = ratio([one.stratum(one.naive_ms)]).value
        messages = one.ours.lines / one.ours.frames if one.ours.frames else float("nan")
        wanted += [
            Requirement(f"{one.clip}: naive / ours", costs, RATIO),
            Requirement(f"{one.clip}: recall", one.recall.share, RECALL),
            Requirement(f"{one.clip}: messages a decoded frame", messages, 1.0),
        ]
    return wanted


def _cost_row(one: Compared) -> dict[str, Any]:
    opencv = mean(one.opencv_ms)
    return {
        "CPU ms/frame": one.clip,
        "size": one.size,
        "frames": one.ours.frames,
        "looks": len(one.naive["looks"]),
        "ours": _told(mean(one.ours_ms)),
        "MTCNN": mean(one.mtcnn_ms).value,
        "OpenCV": opencv.value if opencv.count else NOT_RUN,
        "naive": _told(mean(one.naive_ms)),
        "naive / ours": _told(ratio([one.stratum(one.naive_ms)])),
    }


def _found_row(one: Compared) -> dict[str, Any]:
    return {
        "boxes": one.clip,
        "MTCNN's": one.recall.wanted,
        "found": one.recall.found,
        "recall": one.recall.share,
        "messages/frame": one.ours.lines / max(one.ours.frames, 1),
        "scores/s a face": one.scores_per_s,
    }


def _figures(one: Compared) -> dict[str, Any]:
    return {
        "frames": one.ours.frames,
        "looks": len(one.naive["looks"]),
        "cpu_ms": {
            "ours": mean(one.ours_ms).body(),
            "mtcnn": mean(one.mtcnn_ms).body(),
            "opencv": mean(one.opencv_ms).body() if one.opencv else NOT_RUN,
            "naive": mean(one.naive_ms).body(),
        },
        "ratio": ratio([one.stratum(one.naive_ms)]).body(),
        "recall": {"wanted": one.recall.wanted, "found": one.recall.found}
        | {"share": one.recall.share, "missed_frames": one.recall.missed},
        "scores_per_s": one.scores_per_s,
    }


def _told(estimate: Estimate) -> str:
    return str(estimate) if estimate.count else NOT_RUN
