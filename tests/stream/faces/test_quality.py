"""Quality: what lowers a crop's weight, one fault at a time."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from engines.spec import CropGeometry
from stream.faces.align import crop_faces
from stream.faces.cascade import Cascade
from stream.faces.quality import assess, face_size_px, pose, sharpness
from stream.types import FaceDetection, Pixels, Quality, Reason
from tests.builders import detection

GEOMETRY = CropGeometry(224, 1.3)
FRAME = (640, 480)
FRONTAL = detection((200, 100, 400, 300))


def crop(seed: int = 0) -> Pixels:
    """A sharp, well exposed picture with structure at every scale, as skin and hair have."""
    rng = np.random.default_rng(seed)
    picture = np.full((224, 224), 128.0)
    for cells in (4, 12, 40, 112):
        layer = rng.normal(0, 14, (cells, cells)).astype(np.float32)
        picture += cv2.resize(layer, (224, 224), interpolation=cv2.INTER_CUBIC)
    grey = np.clip(picture, 0, 240).astype(np.uint8)
    return np.repeat(grey[:, :, None], 3, axis=2)


def turned(nose_x: float = 0.5, nose_y: float = 0.6, eye_gap: float = 0.4) -> FaceDetection:
    """A face of 160 px whose nose and eyes stand at these shares of the box."""
    places = [(0.5 - eye_gap / 2, 0.35), (0.5 + eye_gap / 2, 0.35), (nose_x, nose_y)]
    places += [(0.35, 0.8), (0.65, 0.8)]
    points = np.array([(200 + 160 * x, 100 + 160 * y) for x, y in places], np.float32)
    return FaceDetection(FRONTAL.box_px, points, 0.99)


def test_a_good_crop_weighs_one() -> None:
    quality = assess(crop(), FRONTAL, FRAME, GEOMETRY, corrupt=False)
    assert quality.weight == 1.0
    assert quality.reasons == ()


FAULTS: dict[str, tuple[Pixels, FaceDetection, Reason]] = {
    "small": (crop(), detection((200, 100, 250, 150)), Reason.FACE_TOO_SMALL),
    "blurred": (
        np.asarray(cv2.GaussianBlur(crop(), (0, 0), 6), np.uint8), FRONTAL, Reason.BLURRED,
    ),
    "even": (np.full((224, 224, 3), 128, np.uint8), FRONTAL, Reason.BLURRED),
    "profile": (crop(), turned(nose_x=0.72, eye_gap=0.22), Reason.EXTREME_POSE),
    "looking up": (crop(), turned(nose_y=0.40), Reason.EXTREME_POSE),
    "looking down": (crop(), turned(nose_y=0.78), Reason.EXTREME_POSE),
    "dark": (crop() // 8, FRONTAL, Reason.UNDER_EXPOSED),
    "blown out": (np.where(crop() > 125, 255, crop()), FRONTAL, Reason.OVER_EXPOSED),
    "cut off": (crop(), detection((-90, 100, 70, 260)), Reason.OUT_OF_FRAME),
    "beyond": (crop(), detection((700, 100, 860, 260)), Reason.OUT_OF_FRAME),
    "unsure": (crop(), detection((200, 100, 360, 260), confidence=0.7), Reason.LOW_CONFIDENCE),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_lowers_the_weight_and_is_the_only_one_named(fault: str) -> None:
    pixels, found, reason = FAULTS[fault]
    quality = assess(np.asarray(pixels, np.uint8), found, FRAME, GEOMETRY, corrupt=False)
    assert quality.weight < 0.5
    assert quality.reasons == (reason,)


def test_a_picture_decoded_with_errors_weighs_nothing() -> None:
    quality = assess(crop(), FRONTAL, FRAME, GEOMETRY, corrupt=True)
    assert (quality.weight, quality.reasons) == (0.0, (Reason.DECODE_ERRORS,))


def test_several_small_faults_add_up_without_a_reason_each() -> None:
    found = detection((200, 100, 340, 240), confidence=0.8)
    quality = assess(crop(), found, FRAME, GEOMETRY, corrupt=False)
    assert 0 < quality.weight < 0.67
    assert quality.reasons == ()


def test_only_the_face_is_measured_not_what_surrounds_it() -> None:
    pixels = crop()
    pixels[:20], pixels[-20:] = 255, 255
    assert assess(pixels, FRONTAL, FRAME, GEOMETRY, corrupt=False).weight == 1.0


def test_the_face_is_measured_where_a_shifted_crop_has_it() -> None:
    # Side 224 at 1.3 boxes: the box's 172 px begin 26 px from the top, or at the top when shifted.
    pixels = crop()
    pixels[173:] = 255
    shifted = CropGeometry(224, 1.3, shift_down=26 / 224)
    assert assess(pixels, FRONTAL, FRAME, shifted, corrupt=False).weight == 1.0
    assert assess(pixels, FRONTAL, FRAME, GEOMETRY, corrupt=False).weight < 1.0


def test_a_crop_tighter_than_the_box_is_measured_whole() -> None:
    assert assess(crop(), FRONTAL, FRAME, CropGeometry(224, 0.9), corrupt=False).weight == 1.0


def test_pose_does_not_depend_on_roll_or_size() -> None:
    points = turned(nose_x=0.6).landmarks_px
    yaw, pitch = pose(points)
    angle = np.deg2rad(30)
    roll = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    rolled = (points * 3 @ roll.T).astype(np.float32)
    assert yaw == pytest.approx(0.5, abs=0.01)
    assert pose(rolled) == pytest.approx((yaw, pitch), abs=0.01)


def test_landmarks_on_one_point_give_a_size_of_nothing() -> None:
    points = np.full((5, 2), 7, np.float32)
    assert face_size_px(points) == 0
    assert pose(points) == (0, 0)


def test_a_turned_face_is_measured_from_eyes_to_mouth() -> None:
    assert face_size_px(turned(eye_gap=0.1).landmarks_px) == pytest.approx(0.9 * 0.45 * 160)
    assert face_size_px(turned(eye_gap=0.6).landmarks_px) == pytest.approx(0.6 * 160)


def test_sharpness_does_not_depend_on_contrast() -> None:
    grey = crop()[:96, :96, 0].astype(np.float32)
    assert sharpness(grey / np.float32(2)) == pytest.approx(sharpness(grey), rel=0.1)


def test_the_face_of_the_demo_weighs_one(cascade: Cascade, portrait: Pixels) -> None:
    (found,) = cascade.detect(portrait)
    pixels, _ = crop_faces(portrait, found.box_px[None], found.landmarks_px[None], GEOMETRY)
    quality = assess(
        pixels[0], found, (portrait.shape[1], portrait.shape[0]), GEOMETRY, corrupt=False
    )
    assert quality.weight > 0.9


def test_a_coarsely_coded_frame_weighs_less() -> None:
    def weigh(quantiser: float | None) -> Quality:
        return assess(crop(), FRONTAL, FRAME, GEOMETRY, corrupt=False, quantiser=quantiser)

    assert weigh(None).weight == weigh(23).weight == 1
    assert 0.5 < weigh(28).weight < 1
    assert weigh(28).reasons == ()
    assert 0 < weigh(32).weight < 0.5
    assert weigh(32).reasons == (Reason.COMPRESSED,)
    assert weigh(36).weight == 0
