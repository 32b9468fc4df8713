"""A folder of clips through the live pipeline, for as many hours as wanted, resumable."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from engines.spec import ModelSpec, sha256_of
from training.evaluate.clips.figures import Figures, Seen, figures
from training.evaluate.clips.folder import Clip, find_clips
from training.evaluate.clips.journal import Journal
from training.evaluate.clips.live import Pipeline, pipeline
from training.evaluate.clips.plan import Showing, plan
from training.evaluate.clips.variant import Measured, measure, write_variant
from training.evaluate.clips.watched import Watched

TOGETHER: Final = 4
"""Showings for each run of the program: its start takes seconds, and streams share the cores."""
Progress = Callable[[float, float], None]
"""Is told how many seconds of video are done, and of how many."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is watched: the reals for `hours`, the fakes also at each of `kbit_s`. `settings` are
    ``section.key=value`` of the program.
    """

    hours: float = 0.0
    kbit_s: tuple[int, ...] = ()
    seed: int = 0
    settings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.hours < 0 or any(rate < 1 for rate in self.kbit_s):
            raise ValueError("hours cannot be negative, and a bitrate is at least 1 kbit/s")


def evaluate_clips(
    folder: Path, model: Path, journal: Journal, wanted: Wanted, progress: Progress
) -> Figures:
    """Watch the clips of a folder with the model whose spec lies at `model`.

    What the journal holds already is not watched again. A clip that cannot be read is skipped
    and named in the figures.

    Raises: OSError or ValueError for the folder; ModelMismatch for the model.
    """
    skipped: dict[str, str] = {}
    measured = dict(_measured(find_clips(folder), skipped))
    showings = plan(measured, wanted.hours, wanted.kbit_s, wanted.seed)
    named = _model_key(model, wanted)
    todo = [each for each in showings if journal.find(each.key(named)) is None]
    total_s = sum(measured[each.clip].seconds for each in showings)
    done_s = total_s - sum(measured[each.clip].seconds for each in todo)
    progress(done_s, total_s)
    with pipeline(model, wanted.settings) as program:
        for showing, watched in _watched(program, todo):
            if isinstance(watched, str):
                skipped[f"{showing.clip.name} ({showing.variant})"] = watched
            else:
                about = {"clip": showing.clip.name, "variant": str(showing.variant)}
                journal.add(showing.key(named), watched, about)
            done_s += measured[showing.clip].seconds
            progress(done_s, total_s)
    found = ((each, journal.find(each.key(named))) for each in showings)
    seen = [Seen(each, watched) for each, watched in found if watched is not None]
    return figures(seen, skipped, _described(model, wanted))


def _measured(clips: Sequence[Clip], skipped: dict[str, str]) -> Iterator[tuple[Clip, Measured]]:
    for clip in clips:
        try:
            yield clip, measure(clip.path)
        except ValueError as exc:
            skipped[clip.name] = str(exc)


def _watched(
    program: Pipeline, showings: Sequence[Showing]
) -> Iterator[tuple[Showing, Watched | str]]:
    """Watch them in groups; the next group is encoded while the program runs."""
    groups = [showings[start : start + TOGETHER] for start in range(0, len(showings), TOGETHER)]
    with tempfile.TemporaryDirectory(prefix="clips-") as folder, ThreadPoolExecutor(1) as pool:
        waiting: list[Future[list[Path | str]]] = []
        for number in range(len(groups)):
            for ahead in range(number + len(waiting), min(number + 2, len(groups))):
                place = Path(folder) / str(ahead)
                waiting.append(pool.submit(_encoded, groups[ahead], place))
            files = waiting.pop(0).result()
            yield from zip(groups[number], _watch(program, files), strict=True)
            for file in (Path(folder) / str(number)).glob("*"):
                file.unlink()


def _watch(program: Pipeline, files: Sequence[Path | str]) -> list[Watched | str]:
    """Watch those that could be encoded, each in its place."""
    there = [file for file in files if isinstance(file, Path)]
    seen = iter(program.watch(there) if there else [])
    return [next(seen) if isinstance(file, Path) else file for file in files]


def _encoded(showings: Sequence[Showing], folder: Path) -> list[Path | str]:
    folder.mkdir()
    return [_file(showing, folder / f"{place}.mkv") for place, showing in enumerate(showings)]


def _file(showing: Showing, target: Path) -> Path | str:
    if showing.variant.kbit_s is None:
        return showing.clip.path.resolve()
    try:
        write_variant(showing.clip.path, showing.variant, target)
    except ValueError as exc:
        return str(exc)
    return target


def _model_key(model: Path, wanted: Wanted) -> str:
    return " ".join((sha256_of(model), *wanted.settings))


def _described(model: Path, wanted: Wanted) -> str:
    spec = ModelSpec.load(model)
    settings = "".join(f", {setting}" for setting in wanted.settings)
    alarm = "no alarm model" if spec.alarm is None else f"alarm {spec.alarm}"
    return f"Weights {spec.sha256[:12]}, spec {sha256_of(model)[:12]}{settings}, {alarm}."
