"""Quality: how much a crop's evidence weighs, and what lowers it.

Each factor is a ramp from 0 to 1; the weight is their product, and a factor under one half is
named as a reason. The ramps stand where ordinary footage keeps its weight. Percentiles 5 / 50 /
95, by MTCNN's boxes, over DFDC validation crops (150), a 720p speaker (40 frames), and a turned,
compressed DFDC face of about 95 px (39 frames):

==================================  ==================  ==================  ==================
size (px)                           80 / 94 / 119       105 / 110 / 113     16 / 46 / 53
sharpness                           .025 / .069 / .19   .12 / .20 / .25     .018 / .041 / .079
yaw                                 .02 / .16 / 1.0     .01 / .17 / .46     .27 / .74 / 1.4
pitch                               .33 / .45 / .57     .50 / .54 / .58     .39 / .45 / .58
luma, 90th percentile               75 / 141 / 207      131 / 135 / 137     136 / 154 / 187
confidence                          .998 / 1 / 1        1 / 1 / 1           .72 / 1.0 / 1
==================================  ==================  ==================  ==================

The DFDC crops after a Gaussian blur of 3 px (on a face of 172 px) have sharpness .002 / .004 /
.010; faces of 65 px in a compressed 1080p crowd .004 / .012 / .028.
"""

from __future__ import annotations

import math
from typing import Final

import cv2
import numpy as np

from engines.spec import CropGeometry
from stream.types import FaceDetection, Floats, Pixels, Quality, Reason

Ramp = tuple[float, float]

SIZE_PX: Final[Ramp] = (28.0, 70.0)
"""Eye to eye, or eyes to mouth where the face is turned: half weight on a box of about 110 px.

The first weights call half of the real faces of 80 to 105 px fake (`weights/MODEL_CARD.md`), so
below that the weight is too low for a verdict: the program abstains.
"""

SHARPNESS_LOG2: Final[Ramp] = (math.log2(0.006), math.log2(0.024))
YAW: Final[Ramp] = (2.0, 1.0)
"""0 is frontal, 1 has the nose in line with an eye; beyond, one half of the face is hidden."""

PITCH_LOW: Final[Ramp] = (0.15, 0.30)
PITCH_HIGH: Final[Ramp] = (0.95, 0.75)
LUMA: Final[Ramp] = (25.0, 60.0)
"""Of the 90th percentile, not the mean: dark skin in good light has bright highlights."""

QUANTISER: Final[Ramp] = (46.0, 26.0)
"""A call of 640x360 px in VP8 has 23 at 2,000 kbit/s, 27 at 500, 31 at 150 and 36 at 80. On 96
crops of the calibration half the AUC went from 0.95 to 0.94, 0.93 and 0.91, and the mean logit of
the reals half the way towards the fakes'.
"""

CLIPPED: Final[Ramp] = (0.4, 0.1)
INSIDE: Final[Ramp] = (0.5, 0.95)
CONFIDENCE: Final[Ramp] = (0.6, 0.9)

FACE_SIDE: Final = 96
"""The face is measured at this side, so that sharpness does not depend on its size."""


def assess(
    crop_pixels: Pixels,
    detection: FaceDetection,
    frame_size_px: tuple[int, int],
    geometry: CropGeometry,
    corrupt: bool,
    quantiser: float | None = None,
) -> Quality:
    """Weigh one crop.

    `crop_pixels` is uint8 RGB (S, S, 3), cut by `geometry` round the box of `detection`, whose
    coordinates are in a frame of `frame_size_px` (width, height). `corrupt` is for a frame that
    was decoded with errors: its weight is 0, whatever it looks like. `quantiser` is the frame's, on
    H.264's scale; None, for cameras and codecs that do not say, lowers nothing.
    """
    if corrupt:
        return Quality(0.0, (Reason.DECODE_ERRORS,))
    grey = _face(crop_pixels, geometry)
    yaw, pitch = pose(detection.landmarks_px)
    bright = float(np.percentile(grey, 90))
    clipped = float((grey >= 250).mean())
    factors = {
        Reason.FACE_TOO_SMALL: _ramp(face_size_px(detection.landmarks_px), SIZE_PX),
        Reason.BLURRED: _ramp(math.log2(sharpness(grey)), SHARPNESS_LOG2),
        Reason.COMPRESSED: 1.0 if quantiser is None else _ramp(quantiser, QUANTISER),
        Reason.EXTREME_POSE: _ramp(yaw, YAW) * _ramp(pitch, PITCH_LOW) * _ramp(pitch, PITCH_HIGH),
        Reason.UNDER_EXPOSED: _ramp(bright, LUMA),
        Reason.OVER_EXPOSED: _ramp(clipped, CLIPPED),
        Reason.OUT_OF_FRAME: _ramp(_share_inside(detection.box_px, frame_size_px), INSIDE),
        Reason.LOW_CONFIDENCE: _ramp(detection.confidence, CONFIDENCE),
    }
    reasons = tuple(reason for reason, factor in factors.items() if factor < 0.5)
    return Quality(math.prod(factors.values()), reasons)


def face_size_px(landmarks_px: Floats) -> float:
    """Distance of the eyes, or 0.9 of that from the eyes to the mouth, whichever is longer.

    They are equal on a frontal face; turning shortens the first, nodding the second.
    """
    eyes, mouth = landmarks_px[:2], landmarks_px[3:]
    across = float(np.hypot(*(eyes[1] - eyes[0])))
    down = float(np.hypot(*(mouth.mean(axis=0) - eyes.mean(axis=0))))
    return max(across, 0.9 * down)


def pose(landmarks_px: Floats) -> tuple[float, float]:
    """Yaw and pitch from landmarks (5, 2), as ratios that do not depend on size or roll.

    Yaw: how far the nose is from the middle of the eyes, along their line, in half eye
    distances. Pitch: how far down it is from the eyes (0) to the mouth (1).
    """
    left, right, nose = (point.astype(np.float64) for point in landmarks_px[:3])
    middle = (left + right) / 2
    across = right - left
    down = landmarks_px[3:].mean(axis=0) - middle
    yaw = 2 * abs(float((nose - middle) @ across)) / max(float(across @ across), 1.0)
    pitch = float((nose - middle) @ down) / max(float(down @ down), 1.0)
    return yaw, pitch


def sharpness(grey: Floats) -> float:
    """Variance of the Laplacian over that of the face itself, so that contrast does not matter.

    `grey` is float32 (FACE_SIDE, FACE_SIDE), 0-255, not rounded: rounding alone would make a
    smooth face look sharp. A face without any contrast has the smallest value, 1e-9.
    """
    edges = cv2.Laplacian(grey, cv2.CV_32F)
    return max(float(edges.var()) / max(float(grey.var()), 1.0), 1e-9)


def _face(crop_pixels: Pixels, geometry: CropGeometry) -> Floats:
    """The part of the crop within the box, grey, at a fixed side: float32, 0-255."""
    side = crop_pixels.shape[0]
    beside = 0.5 - 0.5 / geometry.crop_scale
    aside = _margin(side, beside)
    above = _margin(side, beside - geometry.shift_down)
    below = _margin(side, beside + geometry.shift_down)
    inner = crop_pixels[above : side - below, aside : side - aside].astype(np.float32)
    grey = cv2.cvtColor(inner, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (FACE_SIDE, FACE_SIDE), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float32)


def _margin(side: int, share: float) -> int:
    """Pixels of a crop's side that lie outside the box; none where the crop is the tighter."""
    return max(0, round(side * share))


def _share_inside(box_px: Floats, frame_size_px: tuple[int, int]) -> float:
    """The share of the box's area that lies in the frame."""
    corners = box_px.reshape(2, 2).astype(np.float64)
    width, height = np.maximum(corners[1] - corners[0], 1e-6)
    visible = np.clip(corners, 0, frame_size_px)
    seen_width, seen_height = visible[1] - visible[0]
    return float(seen_width * seen_height / (width * height))


def _ramp(value: float, ramp: Ramp) -> float:
    """0 at the first end and before, 1 at the second and beyond, straight in between."""
    zero, one = ramp
    return min(1.0, max(0.0, (value - zero) / (one - zero)))
