"""The `fit` command: data, the trainer's loop, checkpoints, logs, calibration at the end."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from training.calibrate import fit_calibration
from training.data import GEOMETRY, Draws, Face, decode, held_out, load_faces
from training.fit import Recipe, Trainer, append_row, batches, predict, save
from training.metrics import auc
from training.network import Detector, start_from_imagenet

IMAGENET: Final = "tf_efficientnet_lite0_imagenet.npz"
LOG_EVERY: Final = 10
"""Steps between two rows of the log."""


@dataclass(frozen=True, slots=True)
class Watch:
    """The crops whose AUC is watched while training; nothing is chosen by it."""

    crops: Sequence[NDArray[np.uint8]]
    fake: NDArray[np.bool_]


def fit(recipe: Recipe, data: Path, out: Path, threads: int) -> None:
    """Train by `recipe`, or go on where `out`'s checkpoint stands, until its progress is 1.

    Writes `out`/checkpoint.pt (everything to resume), log.csv, scores.csv and at the end
    detector.pt: the averaged weights with recipe, geometry, calibration and facts, for export.

    Raises: OSError for the data; RuntimeError for a checkpoint of another network.
    """
    torch.set_num_threads(threads)
    cv2.setNumThreads(1)
    out.mkdir(parents=True, exist_ok=True)
    faces = load_faces(data, "train")
    kept = [face for face in faces if held_out(face.group) and face.source == "dfdc"]
    draws = Draws([f for f in faces if not held_out(f.group)], recipe.seed, recipe.dfdc_pastes)
    trainer = _trainer(recipe, data, draws, out / "checkpoint.pt")
    val = load_faces(data, "val", ["dfdc-val.tar"])
    watch = Watch([decode(face) for face in val], np.array([face.fake for face in val]))
    _loop(trainer, draws, out, watch)
    save(trainer.state(), out / "checkpoint.pt")
    save(finished(trainer, kept), out / "detector.pt")


def finished(trainer: Trainer, kept: Sequence[Face]) -> dict[str, Any]:
    """Give what export needs: averaged weights, recipe, calibration on the held-out crops."""
    size = trainer.recipe.network.size_px
    logits = predict(trainer.averaged(), [decode(face) for face in kept], size)
    fake = np.array([face.fake for face in kept])
    return {
        "recipe": asdict(trainer.recipe),
        "weights": trainer.average,
        "crop": asdict(GEOMETRY),
        "calibration": asdict(fit_calibration(logits.double().numpy(), fake)),
        "facts": {
            "steps": trainer.step,
            "examples": trainer.step * trainer.recipe.batch,
            "training_s": round(trainer.spent_s),
            "calibration_crops": len(kept),
        },
    }


def _trainer(recipe: Recipe, data: Path, draws: Draws, checkpoint: Path) -> Trainer:
    torch.manual_seed(recipe.seed)
    network = Detector(recipe.network)
    if checkpoint.exists():
        trainer = Trainer(recipe, network)
        trainer.restore(torch.load(checkpoint, weights_only=True))
        print(f"going on at step {trainer.step}")
        return trainer
    faces = torch.from_numpy(draws.batch(0, 64, recipe.network.size_px).pixels)
    with np.load(data / "weights" / IMAGENET) as weights:
        start_from_imagenet(network, dict(weights), faces)
    return Trainer(recipe, network)


def _loop(trainer: Trainer, draws: Draws, out: Path, watch: Watch) -> None:
    saved, scored = time.monotonic(), trainer.progress
    with _bar() as bar, closing(batches(draws, trainer)) as source:
        task = bar.add_task("fit", total=1000)
        for batch in source:
            row = trainer.advance(batch)
            text = f"step {trainer.step} {batch.pixels.shape[1]} px loss {row['loss']:.3f}"
            bar.update(task, completed=1000 * trainer.progress, description=text)
            if trainer.step % LOG_EVERY == 0:
                append_row(out / "log.csv", _position(trainer) | row)
            if time.monotonic() - saved > trainer.recipe.checkpoint_every_s:
                save(trainer.state(), out / "checkpoint.pt")
                saved = time.monotonic()
            if trainer.progress - scored >= trainer.recipe.evaluate_every or trainer.progress >= 1:
                scored = trainer.progress
                append_row(out / "scores.csv", score := _score(trainer, watch))
                bar.console.print(score)


def _score(trainer: Trainer, watch: Watch) -> Mapping[str, float]:
    size = trainer.phase.size_px
    logits = predict(trainer.averaged(), watch.crops, size).double().numpy()
    return _position(trainer) | {"size_px": size, "auc": auc(logits, watch.fake)}


def _position(trainer: Trainer) -> dict[str, float]:
    return {"step": trainer.step, "progress": round(trainer.progress, 4)}


def _bar() -> Progress:
    described = TextColumn("{task.description}")
    return Progress(described, BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
