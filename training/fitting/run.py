"""Run: one recipe from its faces to ``detector.pt``, on Lightning's trainer."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Sequence
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
from numpy.typing import NDArray

from engines.spec import Calibration
from stream.config import data_dir
from training.calibration.platt import fit_calibration
from training.checkpoint import load_network, predict, read_checkpoint
from training.crops import GEOMETRY, decode
from training.examples import Draws
from training.fitting.average import MovingAverage
from training.fitting.course import Course
from training.fitting.journal import CsvLog, Journal, Watch
from training.fitting.keeper import Keeper, WholeFiles, save
from training.fitting.learner import Learner
from training.fitting.loader import evaluation_loader, training_loader
from training.fitting.memory import keep_memory
from training.fitting.recipe import SCRATCH, Recipe
from training.manifest import Face, held_out, load_faces, part
from training.network import Detector, start_from_imagenet

IMAGENET: Final = "tf_efficientnet_lite0_imagenet.npz"
STATISTICS: Final = 64
"""Faces whose statistics the ImageNet batch norms take over."""
PRECISIONS: Final = {"fp32": "32-true", "bf16": "bf16-mixed", "fp16": "16-mixed"}


@dataclass(frozen=True, slots=True)
class Faces:
    """The faces of a run: to train on, and to evaluate and calibrate on."""

    train: Sequence[Face]
    calib: Sequence[Face]

    def __post_init__(self) -> None:
        if not self.calib:
            raise ValueError("no source that is evaluated on has real and fake faces")


@dataclass(frozen=True, slots=True)
class Machine:
    """How the run uses the machine: nothing here changes what is learnt.

    `workers` processes make batches; with 0 they are made between the steps.
    """

    threads: int = 2
    workers: int = 1
    show: bool = True


def faces_of(data: Path) -> Faces:
    """Load what a run needs: ``train`` less the held-out groups, and the calib half of ``val``.

    Raises: OSError; ValueError for a manifest that makes no sense, or when no source of calib
    has both labels.
    """
    train = [face for face in load_faces(data, "train") if not held_out(face.group)]
    calib = [face for face in load_faces(data, "val") if part(face.group) == "calib"]
    return Faces(train, two_sided(calib))


def two_sided(faces: Sequence[Face]) -> list[Face]:
    """Keep the sources that have both labels: across sources an AUC measures the source."""
    labels = {(face.source, face.fake) for face in faces}
    both = {source for source, fake in labels if (source, not fake) in labels}
    return [face for face in faces if face.source in both]


def imagenet_weights(data: Path) -> Path:
    """Where ImageNet's weights lie: with the faces, else in the usual data folder."""
    own, usual = data / "weights" / IMAGENET, data_dir()
    return own if own.exists() or usual is None else usual / "weights" / IMAGENET


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


def finished_state(checkpoint: dict[str, Any], calib: Sequence[Face]) -> dict[str, Any]:
    """Give what export needs: averaged weights, recipe, calibration on the calib crops."""
    recipe, course = checkpoint["recipe"], checkpoint["course"]
    prefix = "network."
    weights = {
        name.removeprefix(prefix): value
        for name, value in checkpoint["state_dict"].items()
        if name.startswith(prefix)
    }
    network = load_network({"recipe": recipe, "weights": weights})
    logits = predict(network, [decode(face) for face in calib])
    calibration, note = _calibrated(logits, np.array([face.fake for face in calib]))
    facts = {
        "steps": course["step"],
        "examples": course["step"] * recipe["batch"],
        "training_s": round(course["spent_s"]),
        "calibration_crops": len(calib),
        "calib": checkpoint["scores"],
    } | note
    return {
        "recipe": recipe, "weights": weights, "crop": asdict(GEOMETRY),
        "calibration": asdict(calibration), "facts": facts,
    }  # fmt: skip


def _calibrated(
    logits: NDArray[np.float64], fake: NDArray[np.bool_]
) -> tuple[Calibration, dict[str, str]]:
    """Calibrate; a run that learnt the reverse keeps its weights, and says so."""
    try:
        return fit_calibration(logits, fake), {}
    except ValueError as exc:
        print(f"not calibrated: {exc}")
        return Calibration(), {"not_calibrated": str(exc)}


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
