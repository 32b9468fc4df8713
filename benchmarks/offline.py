"""Clips as fast as the machine can: nothing is dropped, every frame has its boxes."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import av

from benchmarks.estimate import mean
from benchmarks.playback import Played, play
from benchmarks.program import ProgramEnded, engine_options
from benchmarks.report import Report, parser
from stream.config import data_dir

NO_DATA: Final = "offline: needs the data folder with clips/ (DEEPFAKESTREAM_DATA), or FILE …"


def main(arguments: Sequence[str]) -> int:
    """Run the benchmark; see `benchmarks.__main__` for the exit codes."""
    made = parser("offline", __doc__ or "")
    made.add_argument("files", nargs="*", type=Path, metavar="FILE", help="instead of the clips")
    options = made.parse_args(arguments)
    data = data_dir()
    files = options.files or (sorted((data / "clips").glob("*.mp4")) if data else [])
    if not files:
        print(NO_DATA)
        return 2
    rows = []
    for file in files:
        print(f"{file.name} …", file=sys.stderr)
        try:
            rows.append(_row(file, play([file], engine_options(options.engine, options.device))))
        except ProgramEnded as exc:
            print(f"offline: {exc}")
            return 2
    report = Report("offline", {"clips": {row["clip"]: row for row in rows}})
    report.show([row | {"cpu_ms_per_frame": row["cpu_ms_per_frame"]["value"]} for row in rows])
    return report.finish(options.json, options.check, options.markdown)


def _row(file: Path, played: Played) -> dict[str, Any]:
    with av.open(str(file)) as film:
        picture = film.streams.video[0]
        size, rate = f"{picture.width}×{picture.height}", float(picture.average_rate or 25)
    return {
        "clip": file.stem,
        "size": size,
        "frames": played.frames,
        "faces_per_frame": played.face_frames / played.lines,
        "frames_per_s": played.frames_per_s,
        "times_real_time": played.frames_per_s / rate,
        "cpu_ms_per_frame": mean(played.chunks_ms).body(),
    }
