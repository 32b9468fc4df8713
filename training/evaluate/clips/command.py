"""The part of ``python -m training evaluate`` that watches clips."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from training.evaluate.clips.evaluation import Wanted, evaluate_clips
from training.evaluate.clips.folder import find_clips
from training.evaluate.clips.journal import Journal
from training.evaluate.clips.live import pipeline
from training.evaluate.clips.parity import check_parity
from training.evaluate.clips.report import markdown, write_report
from training.evaluate.clips.splice import splices

JOURNAL: Final = "clips-journal.jsonl"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options; the model and the place for reports are the evaluate command's own."""
    add = parser.add_argument
    watched = "watch these clips live; fakes lie in fake/, or their names start so"
    add("--clips", type=Path, metavar="DIR", help=watched)
    filled = "repeat the real clips, re-encoded, until they fill H hours"
    add("--hours", type=float, default=0.0, metavar="H", help=filled)
    rates = "watch the fakes at this bitrate too, by H.264 and VP8; may be repeated"
    add("--bitrate", type=int, action="append", default=[], metavar="KBIT_S", help=rates)
    setting = "a setting of run_stream.py for the clips"
    add("--set", action="append", default=[], metavar="SECTION.KEY=VALUE", help=setting)
    switched = "also swap a face in the middle third of each real clip, and time the verdict"
    add("--splice", action="store_true", help=switched)
    compared = "compare a file's served scores with those of an offline loop"
    add("--parity", type=Path, metavar="CLIP", help=compared)


def asks_for_clips(parsed: argparse.Namespace) -> bool:
    """Whether the options name anything for `run` to do."""
    return parsed.clips is not None or parsed.parity is not None


def run(parsed: argparse.Namespace, model: Path, out: Path, seed: int = 0) -> str:
    """Watch clips, check parity; print the figures and give them as a Markdown fragment.

    Writes ``clips.json``, ``clips.md`` and the journal, by which a run that was stopped goes on,
    into `out`.

    Raises: OSError or ValueError for clips; EngineError for the model; ValueError where served
    and offline scores differ.
    """
    parts: list[str] = []
    if parsed.parity is not None:
        parity = check_parity(parsed.parity, model)
        print(parity)
        if not parity.holds:
            raise ValueError(f"{parsed.parity}: served and offline scores differ")
        parts.append(f"{parity}\n")
    if parsed.clips is not None:
        parts.append(_watch(parsed, model, out, seed))
    if parsed.clips is not None and parsed.splice:
        parts.append(_splice(parsed, model))
    return "\n".join(parts)


def _watch(parsed: argparse.Namespace, model: Path, out: Path, seed: int) -> str:
    wanted = Wanted(parsed.hours, tuple(parsed.bitrate), seed, tuple(parsed.set))
    journal = Journal(out / JOURNAL)
    with _bar() as bar:
        task = bar.add_task("watch clips", total=None)

        def progress(done_s: float, total_s: float) -> None:
            bar.update(task, completed=done_s, total=total_s)

        found = evaluate_clips(parsed.clips, model, journal, wanted, progress)
    write_report(found, out)
    text = markdown(found)
    print(text)
    return text


def _splice(parsed: argparse.Namespace, model: Path) -> str:
    clips = [clip for clip in find_clips(parsed.clips) if not clip.fake]
    with pipeline(model, tuple(parsed.set)) as program:
        lines = ["### A swap switched on and off"]
        for line in splices(clips, program):
            print(line)
            lines.append(f"- {line}")
    return "\n".join(lines) + "\n"


def _bar() -> Progress:
    seconds = TextColumn("{task.completed:.0f} s of video")
    return Progress(
        TextColumn("{task.description}"), BarColumn(), seconds, TimeElapsedColumn(),
        TimeRemainingColumn(),
    )  # fmt: skip
