"""``python -m training distil``: a smaller network learns the logits of a larger one.

Hinton et al., "Distilling the Knowledge in a Neural Network" (2015). The recipe's network is the
student; the teacher is a finished checkpoint of any trunk.
"""

from __future__ import annotations

import argparse
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from training.checkpoint import load_network, predict, read_checkpoint
from training.crops import decode
from training.fitting.command import add_machine, machine_of
from training.fitting.faces import faces_of, imagenet_weights
from training.fitting.recipe import Recipe, Teacher
from training.fitting.run import fit_faces
from training.fitting.variant import varied
from training.manifest import Face
from training.metrics import auc


@dataclass(frozen=True, slots=True)
class Measured:
    """A network's size, and its AUC within each source, the mean weighted by their crops."""

    name: str
    parameters: int
    auc: float

    def __str__(self) -> str:
        return f"{self.name:8} {self.parameters / 1e6:6.2f} M parameters   calib AUC {self.auc:.4f}"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    usual = Teacher("")
    parser.add_argument("--config", type=Path, required=True, metavar="TOML", help="the student's")
    parser.add_argument("--teacher", type=Path, metavar="FILE", help="a finished detector.pt")
    parser.add_argument("--weight", type=float, help=f"the teacher's share ({usual.weight})")
    parser.add_argument("--temperature", type=float, help=f"of the logits ({usual.temperature})")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    add_machine(parser)


def run(parsed: argparse.Namespace, data: Path) -> None:
    """Train the student, or go on with it, and print both networks' figures.

    Raises: as `training.fitting.run.fit`; ValueError without a teacher.
    """
    recipe = read_recipe(parsed)
    assert recipe.teacher is not None
    faces = faces_of(data)
    student = fit_faces(recipe, faces, imagenet_weights(data), parsed.out, machine_of(parsed))
    for name, path in (("teacher", Path(recipe.teacher.checkpoint)), ("student", student)):
        print(measure(name, path, faces.calib))
    print(f"wrote {student}")


def read_recipe(parsed: argparse.Namespace) -> Recipe:
    """Read the student's recipe, and the teacher from it or from the command line.

    Raises: OSError; TypeError or ValueError for a recipe that makes no sense or no teacher.
    """
    given = {
        "teacher.checkpoint": None if parsed.teacher is None else str(parsed.teacher),
        "teacher.weight": parsed.weight,
        "teacher.temperature": parsed.temperature,
    }
    changes = {name: value for name, value in given.items() if value is not None}
    body = varied(tomllib.loads(parsed.config.read_text(encoding="utf-8")), changes)
    if "checkpoint" not in body.get("teacher", {}):
        raise ValueError("distilling needs a teacher: --teacher, or [teacher] in the recipe")
    return Recipe.parse(body)


def measure(name: str, checkpoint: Path, faces: Sequence[Face]) -> Measured:
    """Score a finished checkpoint on faces of sources with both labels."""
    network = load_network(read_checkpoint(checkpoint))
    logits = predict(network, [decode(face) for face in faces])
    fake = np.array([face.fake for face in faces])
    sources = np.array([face.source for face in faces])
    weighted = 0.0
    for source in set(sources.tolist()):
        rows = sources == source
        weighted += float(rows.mean()) * auc(logits[rows], fake[rows])
    parameters = sum(parameter.numel() for parameter in network.parameters())
    return Measured(name, parameters, weighted)
