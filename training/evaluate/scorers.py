"""Scorers: whatever gives crops a logit, behind one protocol.

A torch checkpoint (``detector.pt``), an exported file (``detector.json`` with its weights,
through the engine that serves it), and MesoNet's published weights.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from engines.base import Engine
from engines.spec import AlarmModel, Calibration, CropGeometry, sha256_of
from engines.table import open_engine
from training.checkpoint import AT_ONCE, load_network, read_checkpoint
from training.evaluate.mesonet import FILES, SIDE_PX, open_mesonet
from training.metrics import Floats

THRESHOLD: Final = 0.5
"""The calibrated probability above which a crop is called fake, unless the model names another."""

Heatmaps = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Identity:
    """What a report says of a model.

    `geometry` is the crop that it was made for, None where it does not say; `threshold` a
    calibrated probability, frozen with the model; `alarm` None where it was not calibrated.
    """

    name: str
    sha256: str
    calibration: Calibration = field(default_factory=Calibration)
    geometry: CropGeometry | None = None
    threshold: float = THRESHOLD
    baseline: bool = False
    alarm: AlarmModel | None = None

    @property
    def frozen_logit(self) -> float:
        """The threshold as a calibrated logit."""
        return math.log(self.threshold / (1 - self.threshold))


class Scorer(Protocol):
    """One opened model."""

    @property
    def identity(self) -> Identity:
        """Who it is."""

    def look(self, crops: NDArray[np.uint8]) -> tuple[Floats, Heatmaps | None]:
        """Give the logits (N,) and the heat maps (N, h, w) of uint8 RGB crops (N, S, S, 3).

        Crops of another side than the model's are resized. A batch of any size will do.
        """

    def close(self) -> None:
        """Release what it holds."""


class CheckpointScorer:
    """A detector of `training.network`, in float32; `network` is open to other looks at it."""

    def __init__(self, path: Path, name: str, device: str = "cpu") -> None:
        state = read_checkpoint(path)
        self.network = load_network(state).to(device, memory_format=torch.channels_last)
        self.device = device
        self.identity = Identity(
            name=name,
            sha256=sha256_of(path),
            calibration=Calibration.from_body(state["calibration"]),
            geometry=CropGeometry(**state["crop"]),
            threshold=_threshold(state["facts"]),
            alarm=AlarmModel.from_body(state.get("alarm")),
        )

    def look(self, crops: NDArray[np.uint8]) -> tuple[Floats, Heatmaps | None]:
        """See `Scorer`."""
        logits, maps = [np.empty(0)], []
        for part in _batches(crops, self.network.config.size_px):
            with torch.inference_mode():
                logit, heatmap = self.network(torch.from_numpy(part).to(self.device))
            logits.append(logit.cpu().double().numpy())
            maps.append(heatmap.cpu().numpy())
        return np.concatenate(logits), np.concatenate(maps) if maps else None

    def close(self) -> None:
        """Nothing is held."""


class EngineScorer:
    """An exported model through `engines`."""

    def __init__(self, path: Path, name: str, threads: int) -> None:
        self._engine: Engine = open_engine("onnxruntime", path, threads=threads)
        spec = self._engine.spec
        self._size = int(spec.inputs[0].shape[1 if spec.layout == "NHWC" else 2])
        self.identity = Identity(
            name=name,
            sha256=spec.sha256,
            calibration=spec.calibration,
            geometry=spec.crop,
            threshold=_threshold(spec.provenance.get("facts", {})),
            alarm=spec.alarm,
        )

    def look(self, crops: NDArray[np.uint8]) -> tuple[Floats, Heatmaps | None]:
        """See `Scorer`."""
        found = [self._engine.infer(part) for part in _batches(crops, self._size)]
        logits = np.concatenate([np.empty(0), *(one["logit"].astype(np.float64) for one in found)])
        maps = [one["heatmap"] for one in found if "heatmap" in one]
        return logits, np.concatenate(maps) if maps else None

    def close(self) -> None:
        """Close the engine."""
        self._engine.close()


class MesoScorer:
    """One of MesoNet's published detectors; its own output is its probability."""

    def __init__(self, name: str, weights: Path, device: str = "cpu") -> None:
        self._network: nn.Module = open_mesonet(name, weights).to(device)
        self._device = device
        self.identity = Identity(name, sha256_of(weights / FILES[name]), baseline=True)

    def look(self, crops: NDArray[np.uint8]) -> tuple[Floats, Heatmaps | None]:
        """See `Scorer`; there are no heat maps."""
        logits = [np.empty(0)]
        for part in _batches(crops, SIDE_PX):
            with torch.inference_mode():
                logit = self._network(torch.from_numpy(part).to(self._device))
            logits.append(logit.cpu().double().numpy())
        return np.concatenate(logits), None

    def close(self) -> None:
        """Nothing is held."""


def open_scorer(
    path: Path, name: str | None = None, threads: int = 1, device: str = "cpu"
) -> Scorer:
    """Open a checkpoint (``.pt``) or an exported model (its ``.json``).

    `device` is torch's and for checkpoints; engines run on the CPU.

    Raises: OSError; ValueError for a file that is neither; EngineError.
    """
    label = name or model_name(path)
    if path.suffix == ".pt":
        torch.set_num_threads(threads)
        return CheckpointScorer(path, label, device)
    if path.suffix == ".onnx":
        path = path.with_suffix(".json")
    if path.suffix != ".json":
        raise ValueError(f"{path} is neither a checkpoint (.pt) nor a model's spec (.json)")
    return EngineScorer(path, label, threads)


def model_name(path: Path) -> str:
    """Name a model by its file, or by its folder where all files are called ``detector``."""
    return path.resolve().parent.name if path.stem == "detector" else path.stem


def _threshold(facts: Mapping[str, Any]) -> float:
    """The probability that the model's maker froze."""
    threshold = THRESHOLD
    with suppress(KeyError):
        threshold = float(facts["threshold"])
    if not 0 < threshold < 1:
        raise ValueError(f"a threshold is a probability between 0 and 1, not {threshold}")
    return threshold


def _batches(crops: NDArray[np.uint8], size: int) -> list[NDArray[np.uint8]]:
    return [
        _resized(crops[start : start + AT_ONCE], size) for start in range(0, len(crops), AT_ONCE)
    ]


def _resized(crops: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    side = crops.shape[1]
    if side == size:
        return crops
    kind = cv2.INTER_AREA if size < side else cv2.INTER_LINEAR
    return np.stack([cv2.resize(crop, (size, size), interpolation=kind) for crop in crops])
