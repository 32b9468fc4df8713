"""The model that is calibrated: a training run's checkpoint, or an exported file with its spec."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Final, Protocol

import numpy as np
import torch

from engines.base import Engine
from engines.spec import AlarmModel, Calibration, CropGeometry, ModelSpec
from engines.table import open_engine
from training.calibration.footage import Pixels
from training.checkpoint import load_network, predict, read_checkpoint, save
from training.metrics import Floats

BATCH: Final = 32


class Model(Protocol):
    """Scores crops, and takes the calibration that came of them."""

    @property
    def geometry(self) -> CropGeometry:
        """How its crops are cut."""

    def logits(self, crops: Pixels) -> Floats:
        """Raw logits (N,) of crops uint8 RGB (N, S, S, 3)."""

    def write(self, calibration: Calibration, alarm: AlarmModel) -> None:
        """Put both into the file that the model was read from."""


@contextmanager
def opened_model(path: Path, threads: int) -> Iterator[Model]:
    """Open ``detector.pt`` or ``detector.json``, told apart by the ending.

    Raises: OSError; ValueError for a checkpoint of an unfinished run or other content;
    EngineError for a spec and its file; RuntimeError for weights of another network.
    """
    if path.suffix == ".json":
        with open_engine("onnxruntime", path, threads=threads) as engine:
            yield Exported(path, engine)
    else:
        torch.set_num_threads(threads)
        yield Checkpoint(path)


class Exported:
    """A spec with its weight file, through the engine that serves it."""

    def __init__(self, path: Path, engine: Engine) -> None:
        if engine.spec.crop is None:
            raise ValueError(f"{path} names no crop geometry: it is no face detector")
        self._path = path
        self._engine = engine
        self.geometry = engine.spec.crop

    def logits(self, crops: Pixels) -> Floats:
        """Run the engine; see `Model`."""
        starts = range(0, len(crops), BATCH)
        parts = [self._engine.infer(crops[start : start + BATCH])["logit"] for start in starts]
        return np.concatenate(parts).astype(np.float64)

    def write(self, calibration: Calibration, alarm: AlarmModel) -> None:
        """Rewrite the spec; the weight file stays."""
        spec = ModelSpec.load(self._path)
        replace(spec, calibration=calibration, alarm=alarm).save(self._path)


class Checkpoint:
    """What a finished training run leaves; export carries what is written into it on."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._state = read_checkpoint(path)
        self.geometry = CropGeometry(**self._state["crop"])
        self._network = load_network(self._state).to(memory_format=torch.channels_last)

    def logits(self, crops: Pixels) -> Floats:
        """Run the network; see `Model`."""
        return predict(self._network, list(crops))

    def write(self, calibration: Calibration, alarm: AlarmModel) -> None:
        """Rewrite the checkpoint, so that a crash leaves either the old or the new one."""
        found = {"calibration": asdict(calibration), "alarm": asdict(alarm)}
        save({**self._state, **found}, self._path)
