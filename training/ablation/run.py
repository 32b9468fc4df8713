"""Run: train what is not trained yet, score what is not scored yet, write the table."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from training.ablation.plan import Plan, Variant
from training.ablation.table import Cell, Row, write_table
from training.checkpoint import read_checkpoint
from training.evaluate.scoring import Scores
from training.fitting.faces import Faces
from training.fitting.run import Machine, fit_faces

Score = Callable[[Path, str], Scores]
"""Scores a finished checkpoint on the set of a name."""


def ablate(
    plan: Plan, faces: Faces, imagenet: Path, score: Score, out: Path, machine: Machine
) -> str:
    """Train and judge each variant in a folder of `out`; give the table.

    It is written anew after each variant. Finished variants and cells that stand in `out` are
    kept: a plan may be stopped, and sets and variants may be added.

    Raises: as `training.fitting.run.fit_faces` and `score`.
    """
    out.mkdir(parents=True, exist_ok=True)
    rows: list[Row] = []
    for variant in plan.variants:
        folder = out / variant.folder
        finished = folder / "detector.pt"
        if not finished.exists():
            print(f"{variant.name}: training", flush=True)
            fit_faces(plan.recipe(variant), faces, imagenet, folder, machine)
        rows.append(_row(variant, finished, plan.sets, score))
        text = write_table(rows, plan.sets, out)
    return text


def _row(variant: Variant, finished: Path, sets: tuple[str, ...], score: Score) -> Row:
    kept = finished.with_name("cells.json")
    known = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
    cells: dict[str, Cell] = {name: Cell(**cell) for name, cell in known.items()}
    for name in sets:
        if name not in cells:
            scores = score(finished, name)
            cells[name] = Cell.of(scores.logits, scores.fake, scores.groups)
            body = {key: asdict(cell) for key, cell in cells.items()}
            kept.write_text(json.dumps(body, indent=2) + "\n", encoding="utf-8")
            print(f"{variant.name}: {name} {cells[name]}", flush=True)
    facts = read_checkpoint(finished)["facts"]
    return Row(variant.name, facts, {name: cells[name] for name in sets})
