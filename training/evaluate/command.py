"""The `evaluate` command: models and baselines on lists of faces, and on clips; reports."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from stream.config import WEIGHTS, data_dir
from training.evaluate.clips import command as clips
from training.evaluate.lists import Selection, list_names
from training.evaluate.measures.bench import Figure
from training.evaluate.measures.evaluation import Evaluation, Plan
from training.evaluate.measures.sharing import CONTROL
from training.evaluate.mesonet import FILES
from training.evaluate.report.document import number, with_interval
from training.evaluate.run import LOG, QUICK, QUICK_ROUNDS, Order, evaluate
from training.evaluate.scorers import model_name

LIST: Final = "dfdc-calib"
"""What is opened unasked: a look at the report half is counted, and wants to be meant."""
BASELINES: Final = (*FILES, CONTROL)
ROUNDS: Final = 1000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options; ``--data`` is the caller's."""
    add = parser.add_argument
    model = "a checkpoint (detector.pt) or an exported model (detector.json); may be repeated"
    add("--model", action="append", metavar="[NAME=]FILE", help=model)
    baseline = "MesoNet's published weights; or a control that sees codec, size and sharpness only"
    add("--baseline", action="append", choices=BASELINES, default=[], help=baseline)
    lists = (
        "a source of the manifest (dfdc, lfw, …), val, blends, or each: the REPORT half; "
        f"NAME-calib: the other half; NAME-val: both; NAME-all: both splits whole ({LIST})"
    )
    add("--list", action="append", metavar="NAME", help=lists)
    out = "where reports, cache and evaluations.csv go (runs/evaluation)"
    add("--out", type=Path, default=Path("runs/evaluation"), metavar="DIR", help=out)
    faces = "crops of each class at each level of a disturbance; 0 for all (300)"
    add("--faces", type=int, default=300, metavar="N", help=faces)
    add("--limit", type=int, metavar="N", help="draw so many crops of each list")
    film = "film N people of each class in calls, and say what verdicts are reached (0)"
    add("--film", type=int, default=0, metavar="N", help=film)
    add("--quick", action="store_true", help="few crops, few levels, few draws")
    add("--plain", action="store_true", help="the crops as they are: no disturbance, no mask")
    add("--permute", action="store_true", help="shuffle the labels: every AUC must be 0.5")
    add("--threads", type=int, default=2)
    add("--device", default="cpu", help="where torch checkpoints run (cpu)")
    clips.add_arguments(parser)


def run(parsed: argparse.Namespace, data: Path) -> None:
    """Evaluate, with a progress line, and print the headline of each list.

    Where clips are asked for, faces are left alone unless a list is named too.

    Raises: OSError; ValueError; EngineError.
    """
    order = read_order(parsed, data)
    if clips.asks_for_clips(parsed):
        for name, path in order.models.items():
            several = len(order.models) > 1
            clips.run(parsed, path, order.out / name if several else order.out)
    if parsed.list or not clips.asks_for_clips(parsed):
        _faces(order)


def _faces(order: Order) -> None:
    console = Console()
    for name in order.lists:
        console.print(f"{name}: {opened_half(name)}")
    shown = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*shown, console=console, transient=True) as progress:
        task = progress.add_task("models are opened", total=None)
        for result in evaluate(order, lambda text: progress.update(task, description=text)):
            progress.console.print(_headline(result))
            progress.console.print(f"{order.out / result.list}.html, .md, .json")
    console.print(f"this look was counted in {order.out / LOG}")


def opened_half(name: str) -> str:
    """Say in words which faces a list opens."""
    return {
        "report": "the REPORT half of val is opened: for published figures only",
        "calib": "the calib half of val is opened",
        "val": "both halves of val are opened",
        "all": "every face of the list is opened, whatever its split",
    }[Selection.parse(name).half]


def read_order(parsed: argparse.Namespace, data: Path) -> Order:
    """Make an order of the command line.

    Raises: OSError; ValueError for names that there are not, or that are given twice.
    """
    if parsed.threads < 1 or (parsed.limit is not None and parsed.limit < 1):
        raise ValueError("--threads and --limit must be at least 1")
    if min(parsed.faces, parsed.film) < 0:
        raise ValueError("--faces and --film must be at least 0")
    given = parsed.model
    if given is None:
        given = [] if parsed.baseline else [str(WEIGHTS / "detector.json")]
    plan = Plan(
        per_class=(QUICK if parsed.quick else parsed.faces) or None,
        quick=parsed.quick,
        control=CONTROL in parsed.baseline,
        robustness=not parsed.plain,
        filmed=parsed.film,
        cache=parsed.out / "cache",
    )
    own = data / "weights"
    elsewhere = data_dir()
    return Order(
        models=_models(given),
        mesonets=[name for name in dict.fromkeys(parsed.baseline) if name != CONTROL],
        lists=list_names(data, parsed.list or [LIST]),
        data=data,
        weights=own if own.is_dir() or elsewhere is None else elsewhere / "weights",
        out=parsed.out,
        plan=plan,
        limit=4 * QUICK if parsed.quick and parsed.limit is None else parsed.limit,
        permute=parsed.permute,
        threads=parsed.threads,
        device=parsed.device,
        rounds=QUICK_ROUNDS if parsed.quick else ROUNDS,
    )


def _models(given: Sequence[str]) -> dict[str, Path]:
    models: dict[str, Path] = {}
    for text in given:
        name, separator, path = text.partition("=")
        place = Path(path if separator else text)
        label = name if separator else model_name(place)
        if label in (*models, *BASELINES):
            raise ValueError(f"two models are called {label}: name one, --model NAME={place}")
        models[label] = place
    return models


def _headline(result: Evaluation) -> Table:
    names = ("AUC", "EER", "log loss", "ECE", "recall", "FPR")
    table = Table("model", *names, title=f"{result.list} ({result.half})")
    for name, headline in result.models.items():
        auc, *others = (headline.figures.get(key, Figure(math.nan)) for key in names)
        table.add_row(name, with_interval(auc), *(number(one.value) for one in others))
    return table
