"""The control: a logistic regression that sees how a crop was coded, and no face at all.

Where it tells real from fake, a network may do so for the same wrong reason ("Fake or JPEG?",
arXiv 2403.17608): its AUC is a list's leak floor.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from stream.faces.quality import face_size_px, sharpness
from training.crops import read_picture
from training.evaluate.examples import Examples
from training.metrics import Floats

Pixels = NDArray[np.uint8]

FEATURES: Final = (
    "JPEG quality", "bytes a pixel", "side", "blockiness", "sharpness", "Laplacian", "noise",
    "face size",
)  # fmt: skip
LUMINANCE_SUM: Final = 3688
"""Sum of the JPEG standard's luminance table, which the IJG's encoder uses at quality 50."""
FOLDS: Final = 5
_NOISE_KERNEL: Final = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)


def features(examples: Examples) -> Floats:
    """Give (N, 8), the columns being `FEATURES`; NaN where a picture says nothing."""
    sizes = [
        math.log(face_size_px(landmarks) * scale) if found else math.nan
        for landmarks, scale, found in zip(
            examples.looks.landmarks, examples.looks.frame_scale, examples.looks.found, strict=True
        )
    ]
    rows = [
        [*of_file(data), *of_pixels(_grey(read_picture(data))), size]
        for data, size in zip(examples.files, sizes, strict=True)
    ]
    return np.array(rows, np.float64)


def of_file(data: bytes) -> tuple[float, float, float]:
    """JPEG quality, log2 of the bits a pixel, log2 of the side; quality is NaN but for JPEG."""
    with Image.open(io.BytesIO(data)) as picture:
        tables = getattr(picture, "quantization", None)
        width, height = picture.size
    bits = math.log2(8 * len(data) / (width * height))
    return jpeg_quality(tables[0]) if tables else math.nan, bits, math.log2(min(width, height))


def jpeg_quality(luminance: Sequence[int]) -> float:
    """Invert the IJG's rule for scaling its tables, by the sum of the luminance table."""
    scale = 100 * sum(luminance) / LUMINANCE_SUM
    return 5000 / scale if scale > 100 else (200 - scale) / 2


def of_pixels(grey: NDArray[np.float32]) -> tuple[float, float, float, float]:
    """Blockiness, sharpness, contrast of edges and noise of a picture (H, W), as logarithms."""
    edges = float(cv2.Laplacian(grey, cv2.CV_32F).var())
    return (
        math.log2(blockiness(grey)),
        math.log2(sharpness(grey)),
        math.log2(max(edges, 1e-3)),
        math.log2(max(noise(grey), 1e-3)),
    )


def blockiness(grey: NDArray[np.float32]) -> float:
    """Steps across the borders of 8x8 blocks over steps elsewhere; 1 without blocks."""
    ratios = []
    for picture in (grey, grey.T):
        steps = np.abs(np.diff(picture, axis=1)).mean(0)
        border = np.arange(len(steps)) % 8 == 7
        ratios.append((steps[border].mean() + 0.1) / (steps[~border].mean() + 0.1))
    return float(np.mean(ratios))


def noise(grey: NDArray[np.float32]) -> float:
    """Standard deviation of the noise: Immerkær, "Fast Noise Variance Estimation" (1996)."""
    response = cv2.filter2D(grey, cv2.CV_32F, _NOISE_KERNEL)[1:-1, 1:-1]
    return float(math.sqrt(math.pi / 2) * np.abs(response).mean() / 6)


def control_logits(examples: Examples, training: Examples | None) -> Floats:
    """Score a list (N,) with a control fitted on `training`, or by group folds without it.

    Raises: ValueError when either has one class only, or too few groups for the folds.
    """
    seen = features(examples)
    if training is not None:
        fitted = _regression().fit(features(training), training.fake)
        return np.asarray(fitted.decision_function(seen), np.float64)
    folds = GroupKFold(FOLDS, shuffle=True, random_state=0)
    found: NDArray[Any] = cross_val_predict(
        _regression(), seen, examples.fake, groups=np.array(examples.groups), cv=folds,
        method="decision_function",
    )  # fmt: skip
    return np.asarray(found, np.float64)


def _regression() -> Pipeline:
    return make_pipeline(
        SimpleImputer(keep_empty_features=True),
        StandardScaler(),
        LogisticRegression(class_weight="balanced", max_iter=1000),
    )


def _grey(picture: Pixels) -> NDArray[np.float32]:
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.float32)
