"""How tightly are the DFDC crops cut? Measured with the run time's own face detector.

The crops reach less far than the face, so each is padded before detection, once by reflection
and once with grey: the first pulls the box outwards, the second inwards, and the truth lies
between them.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from stream.config import WEIGHTS
from stream.faces.cascade import Cascade
from stream.faces.options import FacesOptions
from stream.types import FaceDetection
from training.crops import decode
from training.landmarks import opened_cascade
from training.manifest import load_faces

Pixels = NDArray[np.uint8]
_Row = tuple[float, float, float, float]

PADDINGS: Final = {"reflection": cv2.BORDER_REFLECT_101, "grey": cv2.BORDER_CONSTANT}
CONFIDENCE: Final = 0.9


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("--crops", type=int, default=250)


def run(parsed: argparse.Namespace, data: Path) -> None:
    """Measure some training crops of DFDC, and print the quartiles."""
    faces = load_faces(data, "train", ["dfdc-train.tar"])
    picked = np.random.default_rng(0).choice(len(faces), min(parsed.crops, len(faces)), False)
    crops = [decode(faces[index]) for index in picked]
    with opened_cascade(WEIGHTS, FacesOptions()) as cascade:
        margins = measure_margin(crops, cascade)
    print(
        "padding     faces  crop side / box side    box centre right, down (share of the side)"
        "   to the landmarks"
    )
    for found in margins:
        scale = " ".join(f"{value:6.3f}" for value in found.scale)
        print(
            f"{found.padding:10} {found.faces:6}  {scale}   "
            f"{found.right[1]:+.3f} {found.down[1]:+.3f}   {found.to_landmarks:.2f}"
        )


@dataclass(frozen=True, slots=True)
class Margin:
    """Quartiles (25, 50, 75 %) over `faces` crops.

    `scale` is crop side / longer box side; `right` and `down` say where the box's centre lies
    from the crop's, as a share of the crop's side. `to_landmarks` is how far the crop's centre has
    gone sideways from the box's to the landmarks' mean: the slope of the one on the other. Boxes
    of turned heads reach beyond the face, crops of a dataset may not.
    """

    padding: str
    faces: int
    scale: tuple[float, float, float]
    right: tuple[float, float, float]
    down: tuple[float, float, float]
    to_landmarks: float


def measure_margin(crops: Sequence[Pixels], cascade: Cascade) -> list[Margin]:
    """Give one `Margin` for each padding; crops (S, S, 3) without a clear face do not count.

    Raises: ValueError when no crop shows a face.
    """
    margins = []
    for name, border in PADDINGS.items():
        rows = [row for crop in crops if (row := _measure(crop, cascade, border)) is not None]
        if not rows:
            raise ValueError("no crop shows a face")
        table = np.array(rows)
        scale, right, down = (
            (float(low), float(middle), float(high))
            for low, middle, high in np.percentile(table[:, :3], (25, 50, 75), axis=0).T
        )
        aside, seen = table[:, 1] - table[:, 1].mean(), table[:, 3] - table[:, 3].mean()
        share = -float(aside @ seen) / max(float(seen @ seen), 1e-12)
        margins.append(Margin(name, len(rows), scale, right, down, share))
    return margins


def _measure(crop: Pixels, cascade: Cascade, border: int) -> _Row | None:
    """Crop side over box side; right and down of the box; right of the landmarks from the box."""
    side = crop.shape[0]
    pad = side // 4
    padded = cv2.copyMakeBorder(crop, pad, pad, pad, pad, border, value=(127, 127, 127))
    middle = pad + side / 2
    best: _Row | None = None
    for face in cascade.detect(np.asarray(padded, np.uint8)):
        longest, (right, down) = _size(face), _centre(face) - middle
        central = max(abs(right), abs(down)) < side / 4
        if face.confidence >= CONFIDENCE and central and (best is None or side / longest < best[0]):
            seen = float(face.landmarks_px[:, 0].mean()) - middle - right
            best = side / longest, right / side, down / side, seen / side
    return best


def _size(face: FaceDetection) -> float:
    x1, y1, x2, y2 = face.box_px
    return float(max(x2 - x1, y2 - y1))


def _centre(face: FaceDetection) -> NDArray[np.float64]:
    x1, y1, x2, y2 = face.box_px
    return np.array([(x1 + x2) / 2, (y1 + y2) / 2], np.float64)
