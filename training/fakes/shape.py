"""Face shape: 68 points and a forehead laid over a picture's five landmarks.

The mean face is posed by weak perspective (scale, rotation, shift), so that the jaw follows yaw
and pitch; five points say little about depth, hence a prior keeps the rotation small where they do
not speak. What remains between model and landmarks is then spread smoothly over the near points.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from training.fakes.mean_face import COUNT, FIVE, MODEL

Points = NDArray[np.float32]

STEPS: Final = 5
NOISE: Final = 0.06
"""How far a landmark lies from the model's, in distances of the pupils: detector and person."""
TURN: Final = np.array([0.20, 0.45, 0.6])
"""Prior spread of pitch, yaw and roll (about the eyes' own line) in radians."""
REACH: Final = 0.45
"""Over how many distances of the pupils a landmark's remainder is spread."""
FARTHEST: Final = 4096.0

_near = np.square(MODEL[:, None] - FIVE[None]).sum(2)
_weights = np.exp(-_near / (2 * REACH**2))
_SPREAD: Final = _weights / np.maximum(_weights.sum(1, keepdims=True), 1.0)


@dataclass(frozen=True, slots=True)
class Shape:
    """`points` float32 (68, 2) in iBUG's order and `forehead` (5, 2), in pixels.

    `unit` is the distance of the pupils in pixels as it would be seen from the front. Points may
    lie outside the picture.
    """

    points: Points
    forehead: Points
    unit: float


def fit_shape(landmarks: Points, rng: np.random.Generator | None = None) -> Shape:
    """Lay the mean face over `landmarks` (5, 2) px; with `rng`, a slightly different face.

    Landmarks that are not finite, or that all coincide, give a face of about one pixel.
    """
    places = np.clip(np.nan_to_num(landmarks, posinf=0, neginf=0), -FARTHEST, FARTHEST)
    model = MODEL if rng is None else _varied(rng)
    rotation, scale, shift = _posed(places.astype(np.float64))
    posed = scale * (model @ rotation[:2].T) + shift
    remainder = places - (scale * (FIVE @ rotation[:2].T) + shift)
    posed = (posed + _SPREAD @ remainder).astype(np.float32)
    return Shape(posed[:COUNT], posed[COUNT:], scale)


def _posed(
    places: NDArray[np.float64],
) -> tuple[NDArray[np.float64], float, NDArray[np.float64]]:
    """Gauss-Newton over a rotation vector, a scale and a shift, from an upright face."""
    turn, scale, shift = _upright(places)
    for _ in range(STEPS):
        rotation, slopes = cv2.Rodrigues(turn)
        flat = FIVE @ rotation[:2].T
        error = (places - scale * flat - shift).ravel() / (NOISE * scale)
        jacobian = np.zeros((13, 6))
        by_turn = slopes.reshape(3, 3, 3)[:, :2]  # d rotation[row, column] / d turn[axis]
        jacobian[:10, :3] = np.einsum("arc,pc->pra", by_turn, FIVE).reshape(10, 3) / NOISE
        jacobian[:10, 3] = flat.ravel() / (NOISE * scale)
        jacobian[0:10:2, 4] = jacobian[1:10:2, 5] = 1 / (NOISE * scale)
        jacobian[10:, :3] = np.diag(1 / TURN)
        wanted = np.concatenate([error, -(turn - [0, 0, turn[2]]) / TURN])
        step = np.linalg.solve(jacobian.T @ jacobian + 1e-9 * np.eye(6), jacobian.T @ wanted)
        turn = turn + np.clip(step[:3], -0.5, 0.5)
        scale = float(np.clip(scale + step[3], 0.5 * scale, 2 * scale))
        shift = shift + step[4:]
    rotation, _ = cv2.Rodrigues(turn)
    return np.asarray(rotation, np.float64), max(scale, 1.0), shift


def _upright(places: NDArray[np.float64]) -> tuple[NDArray[np.float64], float, NDArray[np.float64]]:
    eyes, mouth = places[:2].mean(0), places[3:].mean(0)
    down = mouth - eyes
    scale = max(float(np.hypot(*down)) / 1.07, float(np.hypot(*(places[1] - places[0]))), 1.0)
    roll = float(np.arctan2(-down[0], down[1])) if np.hypot(*down) > 1 else 0.0
    return np.array([0.0, 0.0, roll]), scale, eyes


def _varied(rng: np.random.Generator) -> Points:
    """A face of another breadth, jaw and brow: up to about 6 % each, and a little noise."""
    model = MODEL.copy()
    breadth, chin, brow = rng.uniform(-0.06, 0.06, 3)
    model[:17, 0] *= 1 + breadth
    model[:17, 1] *= 1 + chin * np.clip(model[:17, 1], 0, 1)
    model[17:27, 1] += brow
    model[COUNT:, 1] *= 1 + rng.uniform(-0.2, 0.1)
    model += rng.normal(0, 0.012, model.shape).astype(np.float32)
    return model
