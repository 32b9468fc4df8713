"""``python -m training cross-validate``: how much an AUC owes to the choice of groups.

The groups of the training split are dealt into folds with like shares of sources and labels;
each fold is measured once by a network that saw none of its groups.
"""

from __future__ import annotations

import argparse
import json
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold

from training.checkpoint import read_checkpoint
from training.fitting.command import add_machine, machine_of
from training.fitting.faces import Faces, imagenet_weights, two_sided
from training.fitting.recipe import Recipe
from training.fitting.run import Machine, fit_faces
from training.manifest import Face, load_faces


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("--config", type=Path, required=True, metavar="TOML", help="a recipe")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument("--folds", type=int, default=5)
    add_machine(parser)


def run(parsed: argparse.Namespace, data: Path) -> None:
    """Train and measure fold by fold; finished folds of an earlier call are kept.

    Raises: as `training.fitting.run.fit`.
    """
    body = tomllib.loads(parsed.config.read_text(encoding="utf-8"))
    faces = load_faces(data, "train")
    print("fold      AUC  crops")
    aucs = cross_validate(
        Recipe.parse(body), faces, parsed.folds, imagenet_weights(data), parsed.out,
        machine_of(parsed),
    )  # fmt: skip
    print(f"mean   {np.mean(aucs):.4f} ± {np.std(aucs, ddof=1):.4f} (standard deviation)")


def cross_validate(
    recipe: Recipe, faces: Sequence[Face], count: int, imagenet: Path, out: Path, machine: Machine
) -> list[float]:
    """Give each fold's AUC within its sources, and write them to `out`/folds.json.

    Patience is left out: what ends or chooses a run by a fold cannot be measured on it.

    Raises: as `training.fitting.run.fit_faces`.
    """
    recipe = replace(recipe, patience=None)
    aucs: list[float] = []
    for number, fold in enumerate(folds(faces, count, recipe.seed), 1):
        finished = out / f"fold-{number}" / "detector.pt"
        if not finished.exists():
            fit_faces(recipe, fold, imagenet, finished.parent, machine)
        aucs.append(float(read_checkpoint(finished)["facts"]["calib"]["auc"]))
        print(f"{number:4}   {aucs[-1]:.4f}  {len(fold.calib):5}", flush=True)
        (out / "folds.json").write_text(json.dumps({"auc": aucs}) + "\n", encoding="utf-8")
    return aucs


def folds(faces: Sequence[Face], count: int, seed: int) -> Iterator[Faces]:
    """Deal the groups into `count` folds: each in turn is measured, the others are trained on.

    Raises: ValueError for fewer than two folds, or fewer groups than folds.
    """
    if count < 2 or len({face.group for face in faces}) < count:
        raise ValueError(f"cannot deal the faces' groups into {count} folds")
    kinds = [f"{face.source} {face.fake}" for face in faces]
    groups = [face.group for face in faces]
    dealt = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
    for train, measured in dealt.split(np.zeros(len(faces)), kinds, groups):
        yield Faces([faces[i] for i in train], two_sided([faces[i] for i in measured]))
