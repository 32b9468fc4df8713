"""Looks: where the run time's face detector sees the face in each crop, and what quality follows.

The program weighs a crop by `stream.faces.quality` before it believes the score, and calibrates
by that weight. A stored crop has no frame, so the weight is taken as in a frame that shows the
whole face at the crop's own scale.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engines.spec import CropGeometry
from stream.config import WEIGHTS
from stream.faces.quality import assess
from stream.types import FaceDetection
from training.crops import portrait, stored
from training.landmarks import find_face, opened_cascade
from training.manifest import Face
from training.metrics import Floats

Pixels = NDArray[np.uint8]

FRAME_PX: Final = (1 << 20, 1 << 20)
"""A frame so large that the face lies inside it whole."""


@dataclass(frozen=True, slots=True)
class Looks:
    """What is known of the face in each of N crops.

    `landmarks` float32 (N, 5, 2) in the crop's pixels, NaN where no face was found; `confidence`
    (N,); `frame_scale` (N,): pixels of the stored picture for each of the crop's.
    """

    landmarks: NDArray[np.float32]
    confidence: Floats
    frame_scale: Floats

    def taken(self, rows: NDArray[np.intp]) -> Looks:
        """Those of some crops."""
        return Looks(self.landmarks[rows], self.confidence[rows], self.frame_scale[rows])

    @property
    def found(self) -> NDArray[np.bool_]:
        """Which crops have a face (N,)."""
        return np.asarray(np.isfinite(self.landmarks).all((1, 2)), np.bool_)


def with_landmarks(faces: Sequence[Face], weights: Path = WEIGHTS) -> tuple[list[Face], Floats]:
    """Look for the faces that the manifest gives no landmarks for; give the confidences too.

    A manifest's own landmarks have confidence 1, a face that is not found 0.

    Raises: EngineError; ValueError for bytes that are no picture.
    """
    confidence = np.ones(len(faces))
    done = list(faces)
    if all(face.landmarks is not None for face in faces):
        return done, confidence
    with opened_cascade(weights) as cascade:
        for index, face in enumerate(faces):
            if face.landmarks is None:
                found = find_face(stored(face), cascade)
                confidence[index] = 0 if found is None else found.confidence
                if found is not None:
                    done[index] = replace(face, landmarks=found.landmarks)
    return done, confidence


def look_at(faces: Sequence[Face], confidence: Floats, geometry: CropGeometry) -> Looks:
    """Place the faces' landmarks in crops of this geometry."""
    landmarks = np.full((len(faces), 5, 2), np.nan, np.float32)
    scale = np.ones(len(faces))
    for index, face in enumerate(faces):
        side = min(stored(face).shape[:2])
        scale[index] = side * geometry.crop_scale / face.crop_scale / geometry.size_px
        seen = portrait(face, geometry)
        if seen is not None:
            landmarks[index] = seen.landmarks
    return Looks(landmarks, np.where(np.isfinite(landmarks).all((1, 2)), confidence, 0.0), scale)


def qualities(
    crops: Sequence[Pixels] | NDArray[np.uint8],
    looks: Looks,
    geometry: CropGeometry,
    face_px: float | None = None,
    threads: int = 1,
    quantisers: Floats | None = None,
) -> Floats:
    """Quality weights (N,); 0 where no face was found, as no such face would be scored.

    `face_px` says how long the face's box is in the frame, where that is not as stored;
    `quantisers` (N,) how coarsely each frame was coded, NaN where that is not known.
    """
    box_px = geometry.size_px / geometry.crop_scale

    def weigh(index: int) -> float:
        if not looks.found[index]:
            return 0.0
        scale = looks.frame_scale[index] if face_px is None else face_px / box_px
        seen = _detection(looks.landmarks[index], looks.confidence[index], scale, geometry)
        coarse = np.nan if quantisers is None else float(quantisers[index])
        known = None if np.isnan(coarse) else coarse
        return assess(crops[index], seen, FRAME_PX, geometry, False, known).weight

    with ThreadPoolExecutor(threads) as pool:
        return np.array(list(pool.map(weigh, range(len(crops)))), np.float64)


def _detection(
    landmarks: NDArray[np.float32], confidence: float, scale: float, geometry: CropGeometry
) -> FaceDetection:
    """The face in a frame of FRAME_PX, `scale` times as large as in the crop, in its middle."""
    half = geometry.size_px / geometry.crop_scale / 2
    centre = geometry.size_px * np.array([0.5, 0.5 - geometry.shift_down])
    middle = np.array(FRAME_PX) / 2
    box = np.concatenate([middle - half * scale, middle + half * scale])
    placed = (landmarks - centre) * scale
    return FaceDetection(box.astype(np.float32), placed.astype(np.float32), confidence)
