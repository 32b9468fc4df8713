"""The figures of the model card, from an exported model through the engine that serves it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from engines.base import Engine
from engines.spec import Calibration
from engines.table import open_engine
from training.augment import encode
from training.data import decode, load_faces
from training.metrics import (
    Floats,
    Metric,
    auc,
    bootstrap,
    calibration_error,
    equal_error_rate,
    log_loss,
)
from training.synthesis import paste_through_bottleneck

Pixels = NDArray[np.uint8]

LISTS: Final = {
    "dfdc-val": ("dfdc-val.tar",),
    "lfw": ("lfw-real.tar", "lfw-fake.tar"),
    "ciplab": ("ciplab-real.tar", "ciplab-fake.tar"),
    "stylegan2": ("stylegan2-real.tar", "stylegan2-fake.tar"),
    "portraits": ("portraits-real.tar",),
    "pasted": ("dfdc-val.tar",),
}
"""Validation lists by name. ``pasted`` is dfdc-val's reals and one pasted fake of each of them."""
AS_IT_IS: Final = "dfdc-val"
"""The one list whose two classes share their codec; all others pass `recode` first."""
BATCH: Final = 32


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure, with its 95 % interval where groups were drawn again."""

    name: str
    value: float
    interval: tuple[float, float] | None = None

    def __str__(self) -> str:
        if self.interval is None:
            return f"{self.name:34} {self.value:.4g}"
        low, high = self.interval
        return f"{self.name:34} {self.value:.3f}  [{low:.3f}, {high:.3f}]"


@dataclass(frozen=True, slots=True)
class Examples:
    """Crops to score, uint8 (S, S, 3) each; `fake` bool (N,); `groups` for the intervals."""

    crops: Sequence[Pixels]
    fake: NDArray[np.bool_]
    groups: Sequence[str]


def evaluate(model: Path, name: str, data: Path, threads: int = 2) -> list[Figure]:
    """Score the list `name` (a key of `LISTS`) with the model whose spec lies at `model`.

    Raises: EngineError for the model; OSError for the data.
    """
    with open_engine("onnxruntime", model, threads=threads) as engine:
        examples = load_examples(name, data)
        logits = score(engine, examples.crops)
        return figures(logits, examples, engine.spec.calibration)


def load_examples(name: str, data: Path) -> Examples:
    """Read one list; `pasted` is made anew from a fixed seed."""
    faces = load_faces(data, "val", LISTS[name])
    crops, labels = [decode(face) for face in faces], [face.fake for face in faces]
    groups = [face.group for face in faces]
    rng = np.random.default_rng(0)
    if name == "pasted":
        reals = [index for index, fake in enumerate(labels) if not fake]
        pasted = [paste_through_bottleneck(crops[index], rng)[0] for index in reals]
        crops = [crops[index] for index in reals] + pasted
        groups = [groups[index] for index in reals] * 2
        labels = [False] * len(reals) + [True] * len(reals)
    if name != AS_IT_IS:
        crops = [recode(crop, rng) for crop in crops]
    return Examples(crops, np.array(labels, bool), groups)


def recode(crop: Pixels, rng: np.random.Generator) -> Pixels:
    """Give the crop after a random loss of scale (to half at most) and a random JPEG quality."""
    size = crop.shape[0]
    small = int(size * rng.uniform(0.5, 1.0))
    reduced = cv2.resize(crop, (small, small), interpolation=cv2.INTER_AREA)
    enlarged = cv2.resize(reduced, (size, size), interpolation=cv2.INTER_LINEAR)
    return encode(np.asarray(enlarged, np.uint8), int(rng.integers(60, 96)))


def score(engine: Engine, crops: Sequence[Pixels]) -> Floats:
    """Logits (N,) before calibration."""
    starts = range(0, len(crops), BATCH)
    parts = [engine.infer(np.stack(crops[start : start + BATCH]))["logit"] for start in starts]
    return np.concatenate(parts).astype(np.float64)


def figures(logits: Floats, examples: Examples, calibration: Calibration) -> list[Figure]:
    """AUC, EER, log loss and calibration error, or the share of false alarms without fakes."""
    fake, groups = examples.fake, examples.groups
    calibrated = logits / calibration.temperature + calibration.bias
    counts = [Figure("reals", float((~fake).sum())), Figure("fakes", float(fake.sum()))]
    alarms = Figure("reals with probability > 0.5", float((calibrated[~fake] > 0).mean()))
    if not fake.any():
        return [*counts, alarms]

    def judged(name: str, metric: Metric, values: Floats) -> Figure:
        return Figure(name, metric(values, fake), bootstrap(metric, values, fake, groups))

    return [
        *counts,
        judged("frame AUC", auc, logits),
        judged("equal error rate", equal_error_rate, logits),
        judged("log loss, uncalibrated", log_loss, logits),
        judged("log loss", log_loss, calibrated),
        judged("ECE, uncalibrated", calibration_error, logits),
        judged("ECE", calibration_error, calibrated),
        alarms,
    ]
