"""The command ``analyze``: clips that lie here, through the pipeline of sent files.

Exit codes: 0 done; 2 usage or configuration; 3 any of the files could not be analysed, the others
were; 4 engine or weights unusable.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final, TextIO

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)

from engines.errors import EngineError
from stream.config import Config, load_config
from stream.errors import ConfigError
from stream.files import examiner, report
from stream.files.errors import FileError
from stream.files.result import ClipResult
from stream.files.words import STATES
from stream.networks import open_networks
from stream.service import Service

PROGRAM: Final = "run_stream.py analyze"
INTERRUPTED: Final = 130
MODEL_CARD: Final = "MODEL_CARD.md"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one file: a result, or why there is none."""

    file: Path
    result: ClipResult | None = None
    problem: str = ""


def main(argv: Sequence[str]) -> int:
    """Analyse the files that `argv` names; give the exit code."""
    arguments = _parser().parse_args(argv)
    try:
        config = load_config(arguments.config, _overrides(arguments))
        reports = _reports(arguments.report, arguments.file)
        _check_place("--json", None if arguments.json == "-" else arguments.json)
        outcomes = _analysed(config, arguments.file, reports)
        if arguments.json:
            _write_json(arguments.json, outcomes)
    except ConfigError as exc:
        return _fail(2, exc)
    except EngineError as exc:
        return _fail(4, exc)
    except KeyboardInterrupt:
        return INTERRUPTED
    said = sys.stderr if arguments.json == "-" else sys.stdout
    for outcome in outcomes:
        _say(outcome, said)
    return 3 if any(outcome.result is None for outcome in outcomes) else 0


def _analysed(config: Config, files: Sequence[Path], reports: Mapping[Path, Path]) -> list[Outcome]:
    with ExitStack() as opened:
        networks = open_networks(config.engine)
        for one in networks:
            opened.enter_context(one)
        bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            disable=not sys.stderr.isatty(),
        )
        service = Service(config.model_copy(update={"streams": ()}), *networks)
        return asyncio.run(_run(config, service, opened.enter_context(bar), files, reports))


async def _run(
    config: Config,
    service: Service,
    bar: Progress,
    files: Sequence[Path],
    reports: Mapping[Path, Path],
) -> list[Outcome]:
    method = report.Method(
        service.detector_spec, config.scoring, _card(config.engine.weights), _version()
    )
    outcomes = []
    async with service:
        for file in files:
            outcome = await _outcome(service, bar, file, pictures=file in reports)
            outcomes.append(outcome)
            if outcome.result and file in reports:
                page = report.page(outcome.result, _subject(file), method)
                _write("--report", reports[file], page)
    return outcomes


async def _outcome(service: Service, bar: Progress, file: Path, *, pictures: bool) -> Outcome:
    task = bar.add_task(file.name, total=1.0)
    try:
        with file.open("rb") as opened:
            result = await service.examiner.clip(
                opened, lambda progress: _advance(bar, task, progress), pictures=pictures
            )
    except OSError as exc:
        return Outcome(file, problem=exc.strerror or str(exc))
    except FileError as exc:
        return Outcome(file, problem=str(exc))
    bar.update(task, completed=1.0)
    return Outcome(file, result)


def _advance(bar: Progress, task: TaskID, progress: examiner.Progress) -> None:
    bar.update(task, completed=progress.share or 0.0)


def _reports(target: Path | None, files: Sequence[Path]) -> dict[Path, Path]:
    """Where each file's page goes: to `target`, or with several files beside it, by their names."""
    if target is None:
        return {}
    _check_place("--report", target)
    if len(files) == 1:
        return {files[0]: target}
    return dict(zip(files, _beside(target, files), strict=True))


def _beside(target: Path, files: Sequence[Path]) -> Iterator[Path]:
    taken: set[str] = set()
    for file in files:
        name, number = file.stem, 1
        while name in taken:
            number += 1
            name = f"{file.stem}-{number}"
        taken.add(name)
        yield target.with_name(f"{target.stem}-{name}{target.suffix}")


def _check_place(option: str, target: Path | str | None) -> None:
    # Known before minutes of work rather than after.
    if target is not None and not Path(target).parent.is_dir():
        raise ConfigError(option, f"there is no folder {Path(target).parent}")


def _write(option: str, target: Path, text: str) -> None:
    try:
        target.write_text(text, encoding="utf-8")
    except OSError as exc:
        raise ConfigError(option, f"{target} cannot be written: {exc.strerror}") from exc


def _write_json(target: str, outcomes: Sequence[Outcome]) -> None:
    clips = [
        {"file": str(one.file), "result": one.result.model_dump(mode="json")}
        if one.result
        else {"file": str(one.file), "problem": one.problem}
        for one in outcomes
    ]
    text = json.dumps({"version": 1, "clips": clips}, ensure_ascii=False) + "\n"
    if target == "-":
        sys.stdout.write(text)
    else:
        _write("--json", Path(target), text)


def _say(outcome: Outcome, said: TextIO) -> None:
    result = outcome.result
    if result is None:
        print(f"run_stream: {outcome.file}: {outcome.problem}", file=sys.stderr)  # noqa: T201
        return
    probability = result.probability_fake
    share = "" if probability is None else f" ({100 * probability:.0f} %)"
    faces = "1 face" if len(result.faces) == 1 else f"{len(result.faces)} faces"
    line = f"{outcome.file}: {STATES[result.state]}{share}, {faces} in {result.played_s:.1f} s"
    print(line, file=said)


def _fail(code: int, exc: Exception) -> int:
    print(f"run_stream: {exc}", file=sys.stderr)  # noqa: T201  the one clear line
    return code


def _subject(file: Path) -> report.Subject:
    with file.open("rb") as opened:
        digest = hashlib.file_digest(opened, "sha256").hexdigest()
    return report.Subject(file.name, file.stat().st_size, digest, datetime.now(UTC))


def _card(weights: Path) -> str:
    try:
        return (weights / MODEL_CARD).read_text(encoding="utf-8")
    except OSError:
        return ""  # weights of one's own may have none


def _version() -> str:
    try:
        return version("deepfakestream")
    except PackageNotFoundError:
        return "0"


def _overrides(arguments: argparse.Namespace) -> dict[str, Any]:
    overrides: dict[str, Any] = {"run.serve": False}
    for option in ("engine", "device"):
        if (value := getattr(arguments, option)) is not None:
            overrides["engine.name" if option == "engine" else "engine.device"] = value
    for text in arguments.set:
        key, separator, value = text.partition("=")
        if not separator:
            raise ConfigError("--set", f"{text!r} is not section.key=value")
        overrides[key.strip()] = value.strip()
    return overrides


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=PROGRAM, description="Analyse clips: a verdict for each, as a page or as JSON."
    )
    add = parser.add_argument
    add("file", nargs="+", type=Path, metavar="FILE", help="a clip")
    add("--report", type=Path, metavar="HTML", help="a page; of several, one each: HTML-NAME")
    add("--json", metavar="FILE|-", help="all results as JSON")
    add("--config", type=Path, metavar="FILE", help="TOML file, as for live streams")
    add("--engine", metavar="NAME", help="runtime of the networks (auto)")
    add("--device", help="cpu (default), cuda:0 or cuda:0,cuda:1")
    add("--set", action="append", default=[], metavar="SECTION.KEY=VALUE", help="any other key")
    return parser
