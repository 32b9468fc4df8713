"""Where are the face and its five landmarks in a crop? Found with the run time's own cascade.

A crop may be cut as tightly as the face, as DFDC's are, so it is padded before the look, once by
reflection and once with grey, and the surer answer is kept (`training.margin` tells what either
does to the box).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from engines.table import open_engine
from stream.faces.cascade import Cascade
from stream.faces.options import FacesOptions
from stream.types import FaceDetection
from training.crops import Pixels

SIDE_PX: Final = 224
"""The cascade sees a crop at this size: its networks look at faces of 12 to 48 px anyway."""
PADDING: Final = 0.25
"""Share of the shorter side that is added all round."""
OPTIONS: Final = FacesOptions(min_face_px=90)
"""A crop's face fills 0.6 of its side or more; with faces of 0.4 and more the pyramid has four
small levels."""
PADDINGS: Final = (cv2.BORDER_REFLECT_101, cv2.BORDER_CONSTANT)
SURE: Final = 0.99
"""Above this confidence the second padding is not tried."""
CENTRAL: Final = 0.25
"""How far the box's centre may lie from the crop's, as a share of the shorter side."""


@dataclass(frozen=True, slots=True)
class CropFace:
    """The face in a crop; shares are of the picture's width (x) and height (y).

    `landmarks` float32 (5, 2), `box` float32 (4,) as x1, y1, x2, y2, which may reach beyond 0..1.
    """

    landmarks: NDArray[np.float32]
    box: NDArray[np.float32]
    confidence: float


@contextmanager
def opened_cascade(weights: Path, options: FacesOptions = OPTIONS) -> Iterator[Cascade]:
    """Open the three networks in `weights` on the CPU, with one thread.

    Raises: EngineError.
    """
    with ExitStack() as engines:
        pnet, rnet, onet = (
            engines.enter_context(open_engine("onnxruntime", weights / f"{name}.json", threads=1))
            for name in ("pnet", "rnet", "onet")
        )
        yield Cascade(pnet, rnet, onet, options)


def find_face(crop: Pixels, cascade: Cascade) -> CropFace | None:
    """Find the central face of a crop, uint8 RGB (H, W, 3); None when there is none.

    `cascade` should have `OPTIONS`.

    Raises: InferenceFailed.
    """
    height, width = crop.shape[:2]
    scale = SIDE_PX / min(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    kind = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    picture = np.asarray(cv2.resize(crop, size, interpolation=kind), np.uint8)
    best: FaceDetection | None = None
    for border in PADDINGS:
        found = _central(picture, cascade, border)
        if found is not None and (best is None or found.confidence > best.confidence):
            best = found
        if best is not None and best.confidence >= SURE:
            break
    if best is None:
        return None
    whole, pad = np.array(size, np.float32), round(SIDE_PX * PADDING)
    return CropFace(
        landmarks=((best.landmarks_px - pad) / whole).astype(np.float32),
        box=((best.box_px - pad) / np.tile(whole, 2)).astype(np.float32),
        confidence=float(best.confidence),
    )


def _central(picture: Pixels, cascade: Cascade, border: int) -> FaceDetection | None:
    """Give the largest of the faces whose centre lies near the picture's, in padded pixels."""
    pad = round(SIDE_PX * PADDING)
    padded = cv2.copyMakeBorder(picture, pad, pad, pad, pad, border, value=(127, 127, 127))
    middle = np.array(padded.shape[1::-1], np.float32) / 2
    central = [
        face
        for face in cascade.detect(np.asarray(padded, np.uint8))
        if np.abs((face.box_px[:2] + face.box_px[2:]) / 2 - middle).max() < CENTRAL * SIDE_PX
    ]
    return max(
        central, key=lambda face: float((face.box_px[2:] - face.box_px[:2]).max()), default=None
    )
