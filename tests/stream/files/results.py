"""Results of clips that nobody analysed, for what is made of results."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

from stream.files.result import ClipResult, FaceCourse, Moment, Sample, Segment
from stream.types import FaceState, Reason

BOX = (10.0, 10.0, 60.0, 60.0)


def sample(
    at_s: float, probability: float | None, state: FaceState = FaceState.NO_EVIDENCE
) -> Sample:
    return Sample(
        media_time_s=at_s,
        box_px=BOX,
        frame_probability_fake=probability,
        probability_fake=probability,
        quality=0.8,
        state=state,
        reasons=(),
    )


def face(samples: Sequence[Sample], **told: Any) -> FaceCourse:
    body: dict[str, Any] = {
        "track_id": 1,
        "first_s": 0.0,
        "last_s": samples[-1].media_time_s,
        "state": FaceState.NO_EVIDENCE,
        "reasons": (),
        "probability_fake": 0.5,
        "quality": 0.8,
        "samples": len(samples),
        "undecided_s": 0.0,
        "fake_since_s": None,
        "alarm_at_s": None,
        "segments": (),
        "timeline": tuple(samples),
        "moments": (),
    }
    return FaceCourse(**(body | told))


def telling_face() -> FaceCourse:
    """A face that turned fake, with one second, one moment and a reason."""
    segment = Segment(
        start_s=0.0, end_s=1.0, samples=4, probability_fake=0.9, quality=0.7, state=FaceState.FAKE
    )
    moment = Moment(
        media_time_s=0.5,
        probability_fake=0.97,
        quality=0.7,
        box_px=BOX,
        crop_px=BOX,
        heatmap=base64.b64encode(bytes(range(196))).decode(),
        picture_jpeg=base64.b64encode(b"jpeg").decode(),
    )
    return face(
        [sample(0.0, 0.9, FaceState.UNDECIDED), sample(1.0, 0.97, FaceState.FAKE)],
        state=FaceState.FAKE,
        reasons=(Reason.COMPRESSED,),
        fake_since_s=0.0,
        alarm_at_s=1.0,
        segments=(segment,),
        moments=(moment,),
    )


def clip(*faces: FaceCourse, **told: Any) -> ClipResult:
    body: dict[str, Any] = {
        "format": "mov,mp4",
        "decoder": "h264 (software)",
        "size_px": (320, 240),
        "frames": 30,
        "played_s": 1.2,
        "cut_short": False,
        "engine": "onnxruntime",
        "device": "cpu",
        "state": faces[0].state if faces else "no_face",
        "probability_fake": 0.9 if faces else None,
        "track_id": faces[0].track_id if faces else None,
        "reasons": faces[0].reasons if faces else (),
        "quality": 0.7,
        "undecided_share": 0.1,
        "faces": faces,
        "degraded": (),
    }
    return ClipResult(**(body | told))
