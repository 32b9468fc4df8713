"""Run: one recipe from its faces to ``detector.pt``, on Lightning's trainer."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import torch
from lightning.pytorch import Callback, Trainer
from lightning.pytorch.callbacks import EarlyStopping
from lightning.pytorch.loggers import Logger, TensorBoardLogger
from lightning.pytorch.utilities.warnings import PossibleUserWarning

from training.checkpoint import load_network, read_checkpoint, save
from training.examples import Draws
from training.fitting.average import MovingAverage
from training.fitting.course import Course
from training.fitting.faces import Faces, faces_of, imagenet_weights
from training.fitting.finished import finished_state
from training.fitting.journal import CsvLog, Journal, Watch
from training.fitting.keeper import Keeper, WholeFiles
from training.fitting.learner import Learner
from training.fitting.loader import evaluation_loader, training_loader
from training.fitting.memory import keep_memory
from training.fitting.recipe import SCRATCH, Recipe
from training.network import Detector, start_from_imagenet

STATISTICS: Final = 64
"""Faces whose statistics the ImageNet batch norms take over."""
PRECISIONS: Final = {"fp32": "32-true", "bf16": "bf16-mixed", "fp16": "16-mixed"}


@dataclass(frozen=True, slots=True)
class Machine:
    """How the run uses the machine: nothing here changes what is learnt.

    `workers` processes make batches; with 0 they are made between the steps.
    """

    threads: int = 2
    workers: int = 1
    show: bool = True


def fit(recipe: Recipe, data: Path, out: Path, machine: Machine) -> Path:
    """Train by `recipe` on the folder `data`, or go on where `out`'s checkpoint stands.

    Writes `out`/checkpoint.pt (everything to resume), fit.csv, calib.csv and at the end
    detector.pt, whose path is given: the averaged weights with recipe, geometry, calibration
    and facts, for export.

    Raises: OSError for the data; ValueError for data or a recipe that cannot be trained on, or
    a checkpoint of another network; `Stopped` when a signal ended the run.
    """
    return fit_faces(recipe, faces_of(data), imagenet_weights(data), out, machine)


def fit_faces(
    recipe: Recipe, faces: Faces, imagenet: Path, out: Path, machine: Machine,
    watch: Watch | None = None,
) -> Path:  # fmt: skip
    """Do the same with faces that are at hand; what `watch` raises ends the run."""
    torch.set_num_threads(machine.threads)
    cv2.setNumThreads(1)
    if not torch.cuda.is_available():
        keep_memory()
    out.mkdir(parents=True, exist_ok=True)
    checkpoint, finished = out / "checkpoint.pt", out / "detector.pt"
    before = _before(checkpoint, recipe)
    if before is None or not before["course"]["finished"]:
        draws = Draws(faces.train, recipe.mix, recipe.seed)
        torch.manual_seed(recipe.seed)
        network = Detector(recipe.network)
        if before is None:
            _start(network, recipe, draws, imagenet)
        else:
            print(f"going on at step {before['course']['step']}")
        journal = Journal(machine.show, watch)
        _train(network, recipe, faces, draws, out, machine, journal, before is not None)
    best = out / "best.pt"
    chosen = best if recipe.patience is not None and best.exists() else checkpoint
    save(finished_state(_before(chosen, recipe) or {}, faces.calib), finished)
    return finished


def _before(path: Path, recipe: Recipe) -> dict[str, Any] | None:
    """Read a run's own checkpoint, if there is one."""
    if not path.exists():
        return None
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    if "course" not in state or state["recipe"]["network"] != asdict(recipe.network):
        raise ValueError(f"{path} belongs to another network: name another folder with --out")
    return state


def _start(network: Detector, recipe: Recipe, draws: Draws, imagenet: Path) -> None:
    if recipe.start == SCRATCH:
        return
    if recipe.start is not None:
        weights = read_checkpoint(Path(recipe.start))["weights"]
        try:
            network.load_state_dict(weights)
        except RuntimeError as exc:
            raise ValueError(f"{recipe.start} holds the weights of another network") from exc
        return
    faces = torch.from_numpy(draws.batch(0, STATISTICS, recipe.network.size_px).pixels)
    with np.load(imagenet) as weights:
        start_from_imagenet(network, dict(weights), faces)


def _train(
    network: Detector, recipe: Recipe, faces: Faces, draws: Draws, out: Path,
    machine: Machine, journal: Journal, resumed: bool,
) -> None:  # fmt: skip
    course = Course(recipe)
    teacher: Detector | None = None
    if recipe.teacher is not None:
        teacher = load_network(read_checkpoint(Path(recipe.teacher.checkpoint)))
    sources = sorted({face.source for face in faces.calib})
    learner = Learner(network, course, sources, teacher)
    checkpoint = out / "checkpoint.pt"
    callbacks: list[Callback] = [MovingAverage(recipe.ema_decay), journal]
    if recipe.patience is not None:
        callbacks.append(EarlyStopping("auc", patience=recipe.patience, mode="max", min_delta=0.0))
    best = None if recipe.patience is None else out / "best.pt"
    keeper = Keeper(checkpoint, recipe.checkpoint_every_s, best)
    callbacks.append(keeper)
    with _quiet(), keeper.listening():
        trainer = Trainer(
            accelerator="auto", devices=1, precision=PRECISIONS[recipe.precision],
            max_epochs=-1, logger=_logs(recipe, out), callbacks=callbacks, plugins=[WholeFiles()],
            enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
            num_sanity_val_steps=0, default_root_dir=out,
        )  # fmt: skip
        trainer.fit(
            learner, training_loader(draws, course, machine.workers),
            evaluation_loader(faces.calib, course),
            ckpt_path=str(checkpoint) if resumed else None, weights_only=True,
        )  # fmt: skip


def _logs(recipe: Recipe, out: Path) -> list[Logger]:
    logs: list[Logger] = [CsvLog(out)]
    if recipe.tensorboard:
        if find_spec("tensorboard") is None:
            raise ValueError("tensorboard = true needs its package: pip install tensorboard")
        logs.append(TensorBoardLogger(out, name="", version="tensorboard"))
    return logs


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Lightning from telling what it found and giving advice."""
    log = logging.getLogger("lightning.pytorch")
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PossibleUserWarning)
            # Lightning 2.6 with torch 2.11 and later, about torch's own pytree.
            warnings.filterwarnings("ignore", ".*LeafSpec", FutureWarning)
            yield
    finally:
        log.setLevel(before)
