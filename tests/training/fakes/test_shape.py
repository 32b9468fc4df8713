"""Sixty-eight points laid over five."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from training.fakes.mean_face import COUNT, FIVE, MODEL
from training.fakes.shape import fit_shape


def posed(
    yaw: float, pitch: float, roll: float, scale: float = 60.0
) -> tuple[
    np.ndarray[tuple[int, ...], np.dtype[np.float32]],
    np.ndarray[tuple[int, ...], np.dtype[np.float32]],
]:
    """The mean face's landmarks and points, turned and seen from far away."""
    rotation = np.eye(3)
    for axis, angle in enumerate((pitch, yaw, roll)):
        turn, _ = cv2.Rodrigues(np.eye(3)[axis] * angle)
        rotation = rotation @ np.asarray(turn)
    five, points = (
        (scale * (part @ rotation[:2].T) + 112).astype(np.float32) for part in (FIVE, MODEL[:COUNT])
    )
    return five, points


@pytest.mark.parametrize(
    ("yaw", "pitch", "roll"),
    [(0, 0, 0), (0.4, 0, 0), (-0.4, 0, 0), (0, 0.2, 0), (0, 0, 0.5), (0.3, -0.1, -0.3)],
)
def test_a_turned_mean_face_is_found_again(yaw: float, pitch: float, roll: float) -> None:
    landmarks, points = posed(yaw, pitch, roll)
    shape = fit_shape(landmarks)
    away = np.hypot(*(shape.points - points).T)
    assert away.mean() < 0.12 * 60  # an eighth of the distance of the pupils
    assert shape.unit == pytest.approx(60, rel=0.15)


def test_the_jaw_follows_the_turn() -> None:
    left, right = (fit_shape(posed(yaw, 0, 0)[0]) for yaw in (-0.5, 0.5))
    for shape in (left, right):
        assert shape.points.shape == (68, 2)
        assert shape.forehead.shape == (5, 2)
    nose_to_jaw = [
        (s.points[30, 0] - s.points[0, 0]) / (s.points[16, 0] - s.points[0, 0])
        for s in (left, right)
    ]
    assert abs(nose_to_jaw[0] - nose_to_jaw[1]) > 0.2


def test_landmarks_that_are_none_give_a_face_all_the_same() -> None:
    for landmarks in (np.full((5, 2), np.nan), np.zeros((5, 2)), np.full((5, 2), np.inf)):
        assert np.isfinite(fit_shape(landmarks.astype(np.float32)).points).all()


def test_another_draw_is_another_face_near_by() -> None:
    landmarks, _ = posed(0, 0, 0)
    plain, varied = fit_shape(landmarks), fit_shape(landmarks, np.random.default_rng(0))
    away = np.hypot(*(plain.points - varied.points).T)
    assert 0.2 < away.mean() < 6
