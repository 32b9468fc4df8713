"""A preparation from start to end."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from stream.config import REPOSITORY
from training.prepare.duplicates import NEAR, duplicates
from training.prepare.groups import divide
from training.prepare.harvest import Harvester, opened_harvester
from training.prepare.item import Drop, Item, Unreadable
from training.prepare.layouts import find_items
from training.prepare.report import Report
from training.prepare.settings import Settings
from training.prepare.shards import Kept, write_faces
from training.prepare.staging import Harvest, Staging


@dataclass(frozen=True, slots=True)
class Plan:
    """Inputs, the folder that is made, and the choices."""

    inputs: tuple[Path, ...]
    out: Path
    settings: Settings
    val_share: float = 0.1
    near: int = NEAR


def prepare(plan: Plan) -> Report:
    """Make ``faces/`` and the report in `plan.out`, or go on with a run that was stopped.

    A stopped run leaves ``staged/`` alone there; the next one gives what an unstopped one would
    have given. A file that cannot be read is named on standard error and in the report.

    Raises: OSError; EngineError; ValueError when the folder is finished already, a layout is not
    known, a choice makes no sense, or no file could be read.
    """
    faces, staged = plan.out / "faces", plan.out / "staged"
    if faces.exists():
        raise ValueError(f"{plan.out} is finished already: name another folder, or remove it")
    items = find_items(plan.inputs)
    divide((), plan.val_share)  # a wrong choice is told before the work, not after it
    duplicates((), (), plan.near)
    harvests = _harvested(items, Staging(staged, plan.settings), plan.settings)
    report, kept = _settled(plan, items, harvests)
    if not report.kept:
        first = report.drops[0]
        raise ValueError(f"no file gave a face; the first, {first.what}: {first.why}")
    unfinished = plan.out / "unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    write_faces(unfinished, harvests, kept)
    report.write(plan.out)
    unfinished.rename(faces)
    shutil.rmtree(staged)
    return report


def _harvested(items: Sequence[Item], staging: Staging, settings: Settings) -> list[Harvest]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    console = Console(stderr=True)
    with (
        opened_harvester(REPOSITORY / "weights", settings) as harvester,
        Progress(*columns, TimeRemainingColumn(), console=console, transient=True) as progress,
    ):
        task = progress.add_task("preparing", total=sum(item.parts for item in items))
        harvests = []
        for item in items:
            progress.update(task, description=item.key[-40:])
            done = staging.find(item)
            if done is None:
                done = _one(item, staging, harvester, lambda: progress.advance(task))
            else:
                progress.advance(task, item.parts)
            if done.failure:
                print(f"training prepare: skipped {done.failure}", file=sys.stderr)
            harvests.append(done)
    return harvests


def _one(item: Item, staging: Staging, harvester: Harvester, step: Callable[[], None]) -> Harvest:
    drops: list[Drop] = []
    try:
        return staging.store(item, harvester.crops(item, drops, step), drops)
    except Unreadable as exc:
        return staging.fail(item, " ".join(str(exc).split()))


def _settled(
    plan: Plan, items: Sequence[Item], harvests: Sequence[Harvest]
) -> tuple[Report, list[Kept | None]]:
    """Divide all crops, drop near-duplicates, and say what became of everything."""
    crops = [crop for harvest in harvests for crop in harvest.crops]
    division = divide(crops, plan.val_share)
    repeated = duplicates(crops, division.splits, plan.near)
    drops = [
        Drop(item.key, f"unreadable: {harvest.failure}")
        for item, harvest in zip(items, harvests, strict=True)
        if harvest.failure
    ]
    drops += [drop for harvest in harvests for drop in harvest.drops]
    for index, first in sorted(repeated.items()):
        across = division.splits[index] != division.splits[first]
        why = "near-duplicate of a val crop" if across else "near-duplicate"
        own, like = (f"{crops[i].tar or crops[i].source}/{crops[i].file}" for i in (index, first))
        drops.append(Drop(own, why, like=like))
    kept = [
        None if index in repeated else Kept(crop, division.groups[index], division.splits[index])
        for index, crop in enumerate(crops)
    ]
    report = Report(
        inputs=tuple(path.name for path in plan.inputs),
        settings=plan.settings,
        val_share=plan.val_share,
        near=plan.near,
        kept=[entry for entry in kept if entry is not None],
        drops=drops,
        mixed=division.mixed,
    )
    return report, kept
