"""A run that takes seconds: drawn faces, a thin network, a few steps."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tests.training.sample_data import write_data
from training.examples import Mix
from training.fitting.faces import Faces, faces_of
from training.fitting.recipe import SCRATCH, Phase, Recipe
from training.fitting.run import Machine, fit_faces
from training.network import NetworkConfig

NETWORK: Final = NetworkConfig(trunk="mobilenetv2_035", size_px=64)
RECIPE: Final = Recipe(
    steps=6,
    batch=4,
    start=SCRATCH,
    phases=(Phase(0.5, 32), Phase(1.0, 64)),
    evaluate_every=0.5,
    mix=Mix(native=1, negatives=0, channel={"none": 1}),
    network=NETWORK,
)
ALONE: Final = Machine(threads=1, workers=0, show=False)
"""Barriers between threads cost more than these small networks on a busy machine."""


def drawn_faces(folder: Path) -> Faces:
    """Ten faces of each class and split."""
    return faces_of(write_data(folder, per_class=10))


def run(recipe: Recipe, faces: Faces, out: Path, machine: Machine = ALONE) -> Path:
    """Train without ImageNet's weights at hand."""
    return fit_faces(recipe, faces, out / "no weights", out, machine)
