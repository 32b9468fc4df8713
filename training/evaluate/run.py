"""A run: lists and models opened, measured, and written as reports."""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import torch

from engines.spec import CropGeometry
from training.crops import GEOMETRY
from training.evaluate.examples import Examples, examples_of
from training.evaluate.lists import (
    BLENDS,
    PICTURES,
    WHOLE,
    Listed,
    read_list,
    shared_by_default,
    training_faces,
)
from training.evaluate.looks import with_landmarks
from training.evaluate.measures.bench import Bench, Step
from training.evaluate.measures.evaluation import Evaluation, Plan, as_json, measure
from training.evaluate.report.html import write_html
from training.evaluate.report.markdown import write_markdown
from training.evaluate.report.report import make_document
from training.evaluate.scorers import MesoScorer, Scorer, open_scorer

CONTROL_FACES: Final = 2000
"""Training faces from which the control learns its eight weights."""
FORGERIES: Final = 200
QUICK: Final = 60
QUICK_ROUNDS: Final = 200
LOG: Final = "evaluations.csv"


@dataclass(frozen=True, slots=True)
class Order:
    """What to evaluate and how; `models` are paths by name, `weights` holds MesoNet's files."""

    models: Mapping[str, Path]
    mesonets: Sequence[str]
    lists: Sequence[str]
    data: Path
    weights: Path
    out: Path
    plan: Plan
    limit: int | None = None
    permute: bool = False
    threads: int = 2
    device: str = "cpu"
    rounds: int = 1000


def evaluate(order: Order, step: Step = lambda text: None) -> Iterator[Evaluation]:
    """Evaluate list by list; each one's report is written before the next begins.

    Raises: OSError; ValueError; EngineError.
    """
    cv2.setNumThreads(1)
    order.out.mkdir(parents=True, exist_ok=True)
    with _opened(order) as scorers:
        known = [s.identity.geometry for s in scorers.values() if s.identity.geometry]
        # Cut as large as the stored crops: what disturbs them comes before a model's own size.
        geometry = replace(known[0] if known else GEOMETRY, size_px=GEOMETRY.size_px)
        for name in order.lists:
            started = time.monotonic()
            result = _evaluated(order, name, scorers, geometry, step)
            append_looks(order, result)
            facts = _facts(order, geometry, scorers, time.monotonic() - started)
            write_report(result, facts, order.out)
            yield result


def write_report(result: Evaluation, facts: Mapping[str, str], out: Path) -> None:
    """Write ``LIST.html``, ``LIST.md`` with its plots, and ``LIST.json`` into `out`."""
    document = make_document(result, facts)
    write_html(document, out / f"{result.list}.html")
    write_markdown(document, out / f"{result.list}.md")
    body = {"facts": dict(document.facts), "evaluation": as_json(result)}
    (out / f"{result.list}.json").write_text(json.dumps(body, indent=1) + "\n", encoding="utf-8")


def append_looks(order: Order, result: Evaluation) -> None:
    """Count this look at the list: one line for each model in ``evaluations.csv``."""
    path = order.out / LOG
    fresh = not path.exists()
    now = datetime.now(UTC).isoformat(timespec="seconds")
    with path.open("a", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        if fresh:
            writer.writerow(("date", "list", "half", "crops", "model", "sha256", "auc", "permuted"))
        for name, headline in result.models.items():
            found = headline.figures.get("AUC")
            writer.writerow(
                (
                    now, result.list, result.half, result.reals + result.fakes, name,
                    headline.sha256, "" if found is None else f"{found.value:.4f}",
                    int(result.labels_permuted),
                )
            )  # fmt: skip


def _evaluated(
    order: Order, name: str, scorers: Mapping[str, Scorer], geometry: CropGeometry, step: Step
) -> Evaluation:
    step(f"{name}: faces are read")
    listed = read_list(name, order.data, geometry, order.limit)
    stored = listed.stored(geometry)
    if order.permute:
        shuffled = np.random.default_rng(1).permutation(stored.fake)
        stored = replace(stored, fake=shuffled)
    examples = stored.reencoded() if shared_by_default(listed.selection) else stored
    bench = Bench(examples, scorers, order.rounds, order.threads, step)
    training = _control_training(order, listed, geometry) if order.plan.control else None
    forged = listed.forged(geometry, QUICK if order.plan.quick else FORGERIES)
    return measure(bench, stored, training, forged, order.plan, order.permute)


def _control_training(order: Order, listed: Listed, geometry: CropGeometry) -> Examples | None:
    """Training faces of the list's sources; None where the list itself holds them or has none."""
    kind, half = listed.selection.kind, listed.selection.half
    if half == "all" or kind in (BLENDS, PICTURES):
        return None
    sources = {face.source for face in listed.faces} if kind == WHOLE else {kind}
    count = 4 * QUICK if order.plan.quick else CONTROL_FACES
    known, confidence = with_landmarks(training_faces(order.data, sources, count))
    if len({face.fake for face in known}) < 2:
        return None
    return examples_of(known, confidence, f"{kind}-train", "all", geometry)


@contextmanager
def _opened(order: Order) -> Iterator[dict[str, Scorer]]:
    torch.set_num_threads(order.threads)
    with ExitStack() as stack:
        scorers: dict[str, Scorer] = {}
        for name, path in order.models.items():
            scorers[name] = open_scorer(path, name, order.threads, order.device)
            stack.callback(scorers[name].close)
        for name in order.mesonets:
            scorers[name] = MesoScorer(name, order.weights, order.device)
        yield scorers


def _facts(
    order: Order, geometry: CropGeometry, scorers: Mapping[str, Scorer], seconds: float
) -> dict[str, str]:
    turned = "eyes levelled" if geometry.crop_rotate else "not turned"
    shift = geometry.shift_down
    moved = f"moved down by {shift:g} of its side, " if shift else ""
    if geometry.to_landmarks:
        moved += f"sideways by {geometry.to_landmarks:g} of the way to the landmarks, "
    facts = {
        "Crop": f"{geometry.size_px} px, {geometry.crop_scale:g} × the face's box, {moved}{turned}",
        "Intervals": f"{order.rounds} bootstrap draws of whole groups",
    }
    for name, scorer in scorers.items():
        own = scorer.identity.geometry
        if own is not None and replace(own, size_px=geometry.size_px) != geometry:
            facts[f"Note on {name}"] = "made for another crop than it is shown here"
    when = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return facts | {"Made": f"{when}, in {seconds:.0f} s"}
