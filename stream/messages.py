"""OverlayMessage and its JSON: the one place that knows the wire (version 1).

`docs/messages.md` explains the fields to integrators; the schema is served at
``/v1/schema/overlay.json`` and committed as ``docs/overlay.schema.json``.
"""

from __future__ import annotations

import base64
import math
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from stream.clock import Clock
from stream.scoring.verdict import worst_state
from stream.types import Analysis, ClockKind, FaceReport, FaceState, Floats, Reason

SourceState = Literal["connecting", "live", "stalled", "paused", "ended"]
Point = tuple[float, float]
SECONDS_KEPT: Final = 64


class _Part(BaseModel):
    # What has a default is on the wire too, so the schema may demand it.
    model_config = ConfigDict(
        frozen=True, extra="forbid", json_schema_serialization_defaults_required=True
    )


class Health(_Part):
    """How well the stream is served at this moment."""

    evidence_age_ms: float | None = Field(
        description="The oldest among the faces' evidence ages; null without scored faces"
    )
    fps_in: float = Field(description="Frames decoded a second")
    fps_scored: float = Field(description="Face crops scored a second")
    dropped: int = Field(description="Frames decoded but replaced by a newer one unseen")
    engine: str
    device: str
    decoder: str = Field(description="Codec and whether hardware or software decodes it")
    source_state: SourceState
    degraded: tuple[str, ...] = Field(description="What is not as it should be; empty if all is")


class Face(_Part):
    """One face on one frame."""

    track_id: int
    box_px: tuple[float, float, float, float] = Field(
        description="x1, y1, x2, y2 in the decoded frame"
    )
    landmarks_px: tuple[Point, Point, Point, Point, Point] = Field(
        description="Left eye, right eye, nose, left and right mouth corner"
    )
    probability_fake: float | None = Field(
        ge=0, le=1, description="Over the window; null while no sample is in it"
    )
    frame_probability_fake: float | None = Field(
        ge=0, le=1, description="Null unless the network scored this very frame"
    )
    state: FaceState
    reasons: tuple[Reason, ...]
    quality: float = Field(ge=0, le=1)
    samples: int = Field(ge=0)
    evidence_age_ms: float | None = Field(
        description="Now minus the capture time of the newest scored frame in the window"
    )
    fake_since_s: float | None = Field(
        description="Media time at which the swap was switched on, as far as is known; "
        "null unless the state is fake"
    )
    undecided_s: float = Field(
        ge=0, description="Media time for which the state has been undecided; 0 otherwise"
    )
    evidence_nats: float | None = Field(
        ge=0,
        description="The sum that the alarm goes by; it is raised at the stream's `alarm_nats`. "
        "Null for weights whose alarms are not calibrated",
    )
    heatmap: str | None = Field(
        default=None,
        description="196 bytes, row-major 14×14, base64; only with ?heatmap=1, "
        "null unless this very frame was scored",
    )


class OverlayMessage(_Part):
    """All that is said about one analysed frame."""

    version: Literal[1] = 1
    stream_id: str
    seq: int = Field(ge=0, description="Message number, +1")
    frame_seq: int = Field(ge=0, description="Number of the decoded frame in the stream")
    epoch: int = Field(ge=0, description="+1 at a reconnect or a loop")
    media_time_s: float = Field(description="Strictly increasing within an epoch")
    captured_at: str = Field(description="RFC 3339, UTC, milliseconds")
    clock: ClockKind
    rtp_timestamp: int | None
    frame_size_px: tuple[int, int] = Field(description="Width, height")
    state: FaceState | Literal["no_face"]
    faces: tuple[Face, ...]
    health: Health

    def to_json(self, *, heatmap: bool = False) -> str:
        """The message as one line of JSON; without heat maps unless they are asked for."""
        if heatmap:
            return self.model_dump_json()
        return self.model_dump_json(exclude={"faces": {"__all__": {"heatmap"}}})


def overlay_schema() -> dict[str, Any]:
    """The JSON schema (2020-12) of a message."""
    schema = OverlayMessage.model_json_schema(mode="serialization")
    # A key of its own: it is absent, not null, when nobody asked for it.
    schema["$defs"]["Face"]["required"].remove("heatmap")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def overlay_message(
    analysis: Analysis, seq: int, health: Health, clock: Clock, now_s: float
) -> OverlayMessage:
    """Put an analysis into a message; ages are those at `now_s`."""
    capture = analysis.frame.capture
    faces = tuple(_face(report, now_s) for report in analysis.faces)
    ages = [face.evidence_age_ms for face in faces if face.evidence_age_ms is not None]
    oldest_ms = max(ages, default=None)
    if health.evidence_age_ms != oldest_ms:
        health = health.model_copy(update={"evidence_age_ms": oldest_ms})
    return OverlayMessage(
        stream_id=analysis.frame.stream_id,
        seq=seq,
        frame_seq=analysis.frame.seq,
        epoch=analysis.frame.epoch,
        media_time_s=round(analysis.frame.media_time_s, 6),
        captured_at=rfc3339(clock.wall_s(capture.captured_at_s)),
        clock=capture.clock,
        rtp_timestamp=capture.rtp_timestamp,
        frame_size_px=capture.size_px,
        state=worst_state({face.state for face in faces}) or "no_face",
        faces=faces,
        health=health,
    )


def rfc3339(wall_s: float) -> str:
    """UTC with milliseconds: ``2026-01-31T12:00:00.000Z``."""
    whole_s = math.floor(wall_s)
    microseconds = round((wall_s - whole_s) * 1e6)
    if microseconds == 1_000_000:
        whole_s, microseconds = whole_s + 1, 0
    return f"{_second(whole_s)}.{microseconds // 1000:03}Z"


@lru_cache(SECONDS_KEPT)
def _second(whole_s: int) -> str:
    # All streams' messages of a second begin alike, and calendars are slow.
    return datetime.fromtimestamp(whole_s, UTC).isoformat().removesuffix("+00:00")


def heatmap_bytes(heatmap: Floats) -> bytes:
    """A heat map of 0-1 as 196 bytes, 255 the most suspicious."""
    return np.rint(np.clip(heatmap, 0.0, 1.0) * 255).astype(np.uint8).tobytes()


def _face(report: FaceReport, now_s: float) -> Face:
    window = report.window
    newest = window.newest_captured_at_s
    # Into Python's floats at once: number by number, they cost more than all else in a message.
    points = [(round(x, 2), round(y, 2)) for x, y in report.detection.landmarks_px.tolist()]
    return Face(
        track_id=report.track_id,
        box_px=tuple(round(value, 2) for value in report.detection.box_px.tolist()),
        landmarks_px=tuple(points),  # type: ignore[arg-type]
        probability_fake=_rounded(window.probability_fake, 5),
        frame_probability_fake=_rounded(report.frame_probability_fake, 5),
        state=window.state,
        reasons=window.reasons,
        quality=round(report.quality.weight, 3),
        samples=window.samples,
        evidence_age_ms=None if newest is None else round(1000 * (now_s - newest), 1),
        fake_since_s=_rounded(window.fake_since_s, 3),
        undecided_s=round(window.undecided_s, 3),
        evidence_nats=_rounded(window.evidence_nats, 3),
        heatmap=(
            None
            if report.heatmap is None
            else base64.b64encode(heatmap_bytes(report.heatmap)).decode()
        ),
    )


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
