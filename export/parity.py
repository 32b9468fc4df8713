"""Does the exported file compute what torch does? Numbers, on real crops where there are any."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from engines.base import Outputs
from engines.spec import Calibration
from engines.table import open_engine
from stream.config import REPOSITORY, data_dir
from training.crops import decode
from training.manifest import load_faces, part
from training.network import Detector

Pixels = NDArray[np.uint8]
Logits = NDArray[np.float64]
Infer = Callable[[Pixels], Outputs]

CROPS: Final = 40
AT_ONCE: Final = 32
DEMO: Final = REPOSITORY / "stream" / "sources" / "media" / "demo.mp4"
PROBABILITY: Final = 0.01
BATCHES: Final = (1, 2, 5)
"""A batch that was folded into a constant while tracing shows at another size than traced."""


@dataclass(frozen=True, slots=True)
class Tolerance:
    """The largest absolute difference allowed of each output."""

    logit: float
    heatmap: float


@dataclass(frozen=True, slots=True)
class Difference:
    """Absolute differences of one output over all crops."""

    largest: float
    mean: float
    allowed: float

    @property
    def fits(self) -> bool:
        """Whether the largest is within what is allowed; not so for NaN."""
        return self.largest <= self.allowed

    def __str__(self) -> str:
        return f"max {self.largest:.2e}, mean {self.mean:.2e} (allowed {self.allowed:.0e})"


class ParityFailed(Exception):
    """The exported file and torch disagree: `differences` by output name."""

    def __init__(self, differences: dict[str, Difference]) -> None:
        super().__init__(differences)
        self.differences = differences

    def __str__(self) -> str:
        parts = [f"{name}: {d}" for name, d in self.differences.items() if not d.fits]
        return "the exported file does not compute what torch does: " + "; ".join(parts)


@dataclass(frozen=True, slots=True)
class Agreement:
    """The largest difference of two runtimes' probabilities over all crops."""

    between: tuple[str, str]
    largest: float

    @property
    def fits(self) -> bool:
        """Whether no viewer could tell the two apart; not so for NaN."""
        return self.largest <= PROBABILITY

    def __str__(self) -> str:
        one, other = self.between
        return f"{one} and {other}: max |Δ probability| {self.largest:.2e} (allowed {PROBABILITY})"


def parity_crops(size: int, count: int = CROPS) -> tuple[Pixels, str]:
    """Give `count` crops (N, S, S, 3) to compare on, or what there is, and where they come from.

    Faces of the data folder; without it, pieces of the demo's frames.

    Raises: FileNotFoundError when there are neither.
    """
    folder = data_dir()
    if folder is not None and (folder / "faces" / "manifest.csv").is_file():
        faces = [face for face in load_faces(folder, "val") if part(face.group) == "calib"]
        places = np.linspace(0, len(faces) - 1, min(count, len(faces))).astype(int)
        crops = [cv2.resize(decode(faces[place]), (size, size)) for place in places]
        return np.asarray(crops, np.uint8), f"{len(crops)} of val's calib half"
    return demo_crops(size, count), f"{count} pieces of the demo"


def demo_crops(size: int, count: int = CROPS) -> Pixels:
    """Cut `count` squares (N, S, S, 3) at seeded places and scales from the demo's frames."""
    film = cv2.VideoCapture(str(DEMO))
    frames = [frame for read, frame in (film.read() for _ in range(count)) if read]
    film.release()
    if not frames:
        raise FileNotFoundError(f"no picture to compare on: {DEMO} cannot be read")
    rng = np.random.default_rng(0)
    crops = np.empty((count, size, size, 3), np.uint8)
    for index in range(count):
        frame = frames[index % len(frames)]
        side = int(rng.uniform(0.3, 1.0) * min(frame.shape[:2]))
        top, left = (int(rng.integers(0, extent - side + 1)) for extent in frame.shape[:2])
        piece = frame[top : top + side, left : left + side, ::-1]
        crops[index] = cv2.resize(np.ascontiguousarray(piece), (size, size))
    return crops


def check_parity(
    network: Detector, spec_path: Path, crops: Pixels, tolerance: Tolerance
) -> dict[str, Difference]:
    """Compare torch and the serving engine on `crops`, in batches of 1, 2 and 5.

    Raises: ParityFailed; EngineError when the file cannot be opened or run.
    """
    with torch.inference_mode():
        logit, heatmap = network(torch.from_numpy(crops))
    expected = {"logit": logit.numpy(), "heatmap": heatmap.numpy()}
    with open_engine("onnxruntime", spec_path) as engine:
        runs = [_in_batches(engine.infer, crops, count) for count in BATCHES]
    differences = {
        name: _difference(values, [run[name] for run in runs], getattr(tolerance, name))
        for name, values in expected.items()
    }
    if not all(difference.fits for difference in differences.values()):
        raise ParityFailed(differences)
    return differences


def torch_logits(network: Detector, crops: Pixels) -> Logits:
    """Logits (N,) of the network, in float32."""
    parts = [crops[start : start + AT_ONCE] for start in range(0, len(crops), AT_ONCE)]
    with torch.inference_mode():
        return np.concatenate([network(torch.from_numpy(p))[0].double().numpy() for p in parts])


def engine_logits(spec_path: Path, crops: Pixels) -> Logits:
    """Logits (N,) of an exported file, from the engine that serves it.

    Raises: EngineError when the file cannot be opened or run.
    """
    with open_engine("onnxruntime", spec_path) as engine:
        return _in_batches(engine.infer, crops, AT_ONCE)["logit"].astype(np.float64)


def agreements(logits: Mapping[str, Logits], calibration: Calibration) -> list[Agreement]:
    """Compare the runtimes two by two, at the calibration's level where they differ most."""
    qualities = [0.0, *(level.above_quality for level in calibration.levels)]
    found: list[Agreement] = []
    for one, other in combinations(logits, 2):
        gaps = []
        for level in map(calibration.at, qualities):
            pair = (logits[name] / level.temperature + level.bias for name in (one, other))
            first, second = (np.tanh(scaled / 2) / 2 for scaled in pair)  # the sigmoid less 1/2
            gaps.append(float(np.abs(first - second).max()))
        found.append(Agreement((one, other), float(np.max(gaps))))
    return found


def _in_batches(infer: Infer, crops: Pixels, count: int) -> dict[str, NDArray[np.float32]]:
    parts = [infer(crops[start : start + count]) for start in range(0, len(crops), count)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _difference(
    expected: NDArray[np.float32], runs: Sequence[NDArray[np.float32]], allowed: float
) -> Difference:
    gaps = np.abs(np.stack([run - expected for run in runs]))
    return Difference(float(gaps.max()), float(gaps.mean()), allowed)
