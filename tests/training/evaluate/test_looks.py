"""Where the face is in a crop, and its quality."""

from __future__ import annotations

import numpy as np
import pytest

from tests.training.evaluate.small import GEOMETRY, LANDMARKS, SIDE, textured
from training.crops import read_picture
from training.evaluate.looks import Looks, look_at, qualities, with_landmarks
from training.evaluate.pictures import as_png
from training.manifest import Face

SHARES = LANDMARKS / SIDE


def face(landmarks: np.ndarray | None = SHARES, side: int = 128) -> Face:
    return Face(
        jpeg=as_png(textured(0, 130, side)), fake=False, source="dfdc", group="g", split="val",
        crop_scale=0.85, landmarks=landmarks, name="a.tar/0.png",
    )  # fmt: skip


def looks(frame_scale: float = 4.0) -> Looks:
    return Looks(LANDMARKS[None].copy(), np.ones(1), np.full(1, frame_scale))


def test_a_manifests_landmarks_are_taken_as_they_are() -> None:
    known, confidence = with_landmarks([face()])
    assert known[0].landmarks is SHARES
    assert confidence.tolist() == [1]


def test_a_picture_without_a_face_stays_without_and_weighs_nothing() -> None:
    known, confidence = with_landmarks([face(landmarks=None)])
    assert known[0].landmarks is None
    seen = look_at(known, confidence, GEOMETRY)
    assert not seen.found[0]
    assert seen.confidence[0] == 0
    assert qualities([read_picture(known[0].jpeg)], seen, GEOMETRY).tolist() == [0]


def test_landmarks_and_scale_follow_the_crop() -> None:
    seen = look_at([face(side=128)], np.ones(1), GEOMETRY)
    np.testing.assert_allclose(seen.landmarks[0], LANDMARKS, atol=1e-3)
    assert seen.frame_scale[0] == 2  # 128 stored pixels become 64


@pytest.mark.parametrize(("face_px", "expected"), [(60, 0.0), (400, 1.0)])
def test_a_small_face_weighs_nothing_and_a_large_one_its_full_weight(
    face_px: float, expected: float
) -> None:
    crop = textured(0, 130)
    assert qualities([crop], looks(), GEOMETRY, face_px=face_px).tolist() == [expected]


def test_without_another_size_the_stored_one_counts() -> None:
    crop = textured(0, 130)
    assert qualities([crop], looks(frame_scale=0.5), GEOMETRY)[0] == 0
    assert qualities([crop], looks(frame_scale=4), GEOMETRY)[0] == 1


def test_blur_and_darkness_weigh_less() -> None:
    flat, dark = np.full((SIDE, SIDE, 3), 130, np.uint8), textured(0, 130) // 8
    weights = qualities([flat], looks(), GEOMETRY), qualities([dark], looks(), GEOMETRY)
    assert [float(weight[0]) for weight in weights] == [0, 0]
