"""Does the exported file compute what torch does? Numbers, on real crops where there are any."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from engines.base import Outputs
from engines.table import open_engine
from stream.config import REPOSITORY, data_dir
from training.data import decode, load_faces
from training.network import Detector

Pixels = NDArray[np.uint8]
Infer = Callable[[Pixels], Outputs]

CROPS: Final = 40
DEMO: Final = REPOSITORY / "stream" / "sources" / "media" / "demo.mp4"
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


def parity_crops(size: int) -> tuple[Pixels, str]:
    """Give crops (N, S, S, 3) to compare on, and where they come from.

    Faces of the data folder; without it, pieces of the demo's frames.

    Raises: FileNotFoundError when there are neither.
    """
    folder = data_dir()
    if folder is not None and (folder / "faces" / "manifest.csv").is_file():
        faces = load_faces(folder, "val", ["dfdc-val.tar"])
        chosen = faces[:: max(1, len(faces) // CROPS)][:CROPS]
        crops = [cv2.resize(decode(face), (size, size)) for face in chosen]
        return np.asarray(crops, np.uint8), f"{len(crops)} of dfdc-val"
    return demo_crops(size), f"{CROPS} pieces of the demo"


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


def _in_batches(infer: Infer, crops: Pixels, count: int) -> dict[str, NDArray[np.float32]]:
    parts = [infer(crops[start : start + count]) for start in range(0, len(crops), count)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _difference(
    expected: NDArray[np.float32], runs: Sequence[NDArray[np.float32]], allowed: float
) -> Difference:
    gaps = np.abs(np.stack([run - expected for run in runs]))
    return Difference(float(gaps.max()), float(gaps.mean()), allowed)
