"""Builders of the stream's data types, with defaults that a test overrides where it matters."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np

from engines.spec import (
    AlarmModel,
    Calibration,
    CalibrationLevel,
    CropGeometry,
    ModelSpec,
    TensorSpec,
)
from stream.messages import Health
from stream.types import (
    Analysis,
    Capture,
    ClockKind,
    FaceCrop,
    FaceDetection,
    FaceReport,
    FaceScore,
    FaceState,
    FaceTrack,
    Floats,
    Frame,
    Hops,
    Pixels,
    Quality,
    Reason,
    TrackState,
    WindowScore,
)

CROP_PX = 32


@cache
def textured(width: int = 320, height: int = 240, seed: int = 0) -> Pixels:
    """A picture with detail and middling brightness everywhere: sharp, well exposed."""
    rng = np.random.default_rng(seed)
    pixels = rng.integers(40, 216, (height, width, 3), dtype=np.uint8)
    pixels.flags.writeable = False  # shared by all who ask
    return pixels


ALARM = AlarmModel(
    clip=3.0,
    correlation_s=1.0,
    drift=0.5,
    threshold_at_1_per_hour=4.0,
    threshold_per_e_fold=1.0,
    extrapolated_below_per_hour=0.5,
)
"""At most 2.5 nats a second; one false alarm in ten hours, the default, takes 4 + ln 10 of them."""


def capture(
    media_time_s: float = 0.0,
    *,
    pixels: Pixels | None = None,
    captured_at_s: float | None = None,
    decoded_at_s: float | None = None,
    clock: ClockKind = "arrival",
    corrupt: bool = False,
    rtp_timestamp: int | None = None,
    convert: Callable[[], Pixels] | None = None,
) -> Capture:
    """A capture taken at its media time, unless another time is named."""
    taken_s = media_time_s if captured_at_s is None else captured_at_s
    picture = textured() if pixels is None else pixels
    return Capture(
        media_time_s=media_time_s,
        captured_at_s=taken_s,
        arrived_at_s=taken_s,
        decoded_at_s=taken_s if decoded_at_s is None else decoded_at_s,
        clock=clock,
        size_px=(picture.shape[1], picture.shape[0]),
        convert=convert or (lambda: picture),
        corrupt=corrupt,
        rtp_timestamp=rtp_timestamp,
    )


def frame(
    media_time_s: float = 0.0, *, seq: int = 0, epoch: int = 0, stream_id: str = "door", **how: Any
) -> Frame:
    """A frame over `capture`, which takes the other arguments."""
    taken = capture(media_time_s, **how)
    return Frame(stream_id, epoch, seq, taken)


def detection(
    box_px: Sequence[float] = (60.0, 20.0, 250.0, 210.0), confidence: float = 0.99
) -> FaceDetection:
    """A face seen from the front that fills `box_px`."""
    x1, y1, x2, y2 = box_px
    width, height = x2 - x1, y2 - y1
    places = ((0.3, 0.35), (0.7, 0.35), (0.5, 0.6), (0.35, 0.8), (0.65, 0.8))
    landmarks = [(x1 + across * width, y1 + down * height) for across, down in places]
    return FaceDetection(
        np.asarray(box_px, np.float32), np.asarray(landmarks, np.float32), confidence
    )


def track(
    track_id: int = 1,
    *,
    state: TrackState = TrackState.CONFIRMED,
    first_seen_s: float = 0.0,
    last_seen_s: float = 0.0,
    box_px: Sequence[float] = (60.0, 20.0, 250.0, 210.0),
) -> FaceTrack:
    """A confirmed track, unless another state is named."""
    return FaceTrack(track_id, detection(box_px), first_seen_s, last_seen_s, state)


def quality(weight: float = 1.0, *reasons: Reason) -> Quality:
    """A crop's quality."""
    return Quality(weight, reasons)


def heat(value: float = 0.0) -> Floats:
    """An even heat map."""
    return np.full((14, 14), value, np.float32)


def crop(track_id: int = 1, media_time_s: float = 0.0, *, value: int = 128) -> FaceCrop:
    """An even crop; `value` tells one from another."""
    pixels = np.full((CROP_PX, CROP_PX, 3), value, np.uint8)
    return FaceCrop(track_id, media_time_s, media_time_s, pixels, np.eye(2, 3), Quality(1.0))


def score(
    media_time_s: float = 0.0,
    logit: float = 0.0,
    weight: float = 1.0,
    *reasons: Reason,
    captured_at_s: float | None = None,
) -> FaceScore:
    """A calibrated score of track 1."""
    taken_s = media_time_s if captured_at_s is None else captured_at_s
    return FaceScore(1, media_time_s, taken_s, logit, heat(), Quality(weight, reasons))


def window_score(
    *,
    track_id: int = 1,
    samples: int = 4,
    probability_fake: float | None = 0.25,
    newest_captured_at_s: float | None = 0.0,
    state: FaceState = FaceState.NO_EVIDENCE,
    reasons: tuple[Reason, ...] = (),
    end_s: float = 1.0,
    **verdict: Any,
) -> WindowScore:
    """What a window says after four samples."""
    return WindowScore(
        track_id,
        0.0,
        end_s,
        samples,
        probability_fake,
        newest_captured_at_s,
        state,
        reasons,
        **verdict,
    )


def report(track_id: int = 1, **changes: Any) -> FaceReport:
    """One reported face; `quality`, `frame_probability_fake` and `heatmap` go to the report, the
    rest to its window.
    """
    own = ("quality", "frame_probability_fake", "heatmap")
    about_face = {key: changes.pop(key) for key in own if key in changes}
    about_face.setdefault("quality", Quality(1.0))
    window = window_score(track_id=track_id, **changes)
    return FaceReport(track_id, detection(), window, **about_face)


def analysis(
    *faces: FaceReport,
    on: Frame | None = None,
    faces_at_s: float | None = None,
    scored_at_s: float | None = None,
) -> Analysis:
    """An analysed frame with `faces` in it."""
    seen = on or frame()
    taken = seen.capture
    at_s = taken.decoded_at_s if faces_at_s is None else faces_at_s
    return Analysis(seen, faces, Hops(taken.captured_at_s, taken.decoded_at_s, at_s, scored_at_s))


def health(**changes: Any) -> Health:
    """The health of a stream that is well."""
    values: Mapping[str, Any] = {
        "evidence_age_ms": None,
        "fps_in": 30.0,
        "fps_scored": 4.0,
        "dropped": 0,
        "engine": "onnxruntime",
        "device": "cpu",
        "decoder": "h264 (software)",
        "source_state": "live",
        "degraded": (),
    }
    return Health(**{**values, **changes})


def detector_spec(
    *,
    temperature: float = 1.0,
    bias: float = 0.0,
    crop_scale: float = 1.3,
    shift_down: float = 0.0,
    to_landmarks: float = 0.0,
    levels: tuple[CalibrationLevel, ...] = (),
    alarm: AlarmModel | None = ALARM,
) -> ModelSpec:
    """A face detector's spec: `CROP_PX` uint8 crops in, logit and heat map out."""
    return ModelSpec(
        name="detector",
        file="detector.onnx",
        sha256="0" * 64,
        inputs=(TensorSpec("crops", "uint8", ("batch", CROP_PX, CROP_PX, 3)),),
        outputs=(
            TensorSpec("logit", "float32", ("batch",)),
            TensorSpec("heatmap", "float32", ("batch", 14, 14)),
        ),
        layout="NHWC",
        crop=CropGeometry(CROP_PX, crop_scale, shift_down=shift_down, to_landmarks=to_landmarks),
        calibration=Calibration(temperature, bias, levels),
        alarm=alarm,
    )
