"""OverlayMessage: what is on the wire is what the contract says."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
from jsonschema import Draft202012Validator

from stream.clock import ManualClock
from stream.messages import (
    OverlayMessage,
    heatmap_bytes,
    overlay_message,
    overlay_schema,
    rfc3339,
)
from stream.types import Analysis, FaceState, Floats, Quality, Reason
from tests import builders

SCHEMA_FILE: Final = Path(__file__).resolve().parents[2] / "docs" / "overlay.schema.json"
FIELDS: Final = {
    "version", "stream_id", "seq", "frame_seq", "epoch", "media_time_s", "captured_at", "clock",
    "rtp_timestamp", "frame_size_px", "state", "faces", "health",
}  # fmt: skip
FACE_FIELDS: Final = {
    "track_id", "box_px", "landmarks_px", "probability_fake", "frame_probability_fake", "state",
    "reasons", "quality", "samples", "evidence_age_ms", "fake_since_s", "undecided_s",
    "evidence_nats",
}  # fmt: skip
HEALTH_FIELDS: Final = {
    "evidence_age_ms", "fps_in", "fps_scored", "dropped", "engine", "device", "decoder",
    "source_state", "degraded",
}  # fmt: skip


def message(analysis: Analysis, *, now_s: float = 0.0, seq: int = 0) -> OverlayMessage:
    return overlay_message(analysis, seq, builders.health(), ManualClock(), now_s)


def body(made: OverlayMessage, *, heatmap: bool = False) -> dict[str, Any]:
    text = made.to_json(heatmap=heatmap)
    assert "\n" not in text
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def full() -> Analysis:
    """Two faces: one scored on this frame, one nothing is known of."""
    return builders.analysis(
        builders.report(
            3,
            state=FaceState.FAKE,
            probability_fake=0.912345678,
            newest_captured_at_s=1.5,
            frame_probability_fake=0.5,
            heatmap=builders.heat(1.0),
            fake_since_s=0.25,
            evidence_nats=8.12345,
        ),
        builders.report(
            4,
            samples=0,
            probability_fake=None,
            newest_captured_at_s=None,
            state=FaceState.UNDECIDED,
            reasons=(Reason.FEW_SAMPLES, Reason.BLURRED),
            quality=Quality(0.0, (Reason.BLURRED,)),
            undecided_s=45.0004,
        ),
        on=builders.frame(1.5, seq=45, epoch=2, rtp_timestamp=4_000_000_000, clock="sender"),
    )


def test_a_message_has_exactly_the_contracts_fields() -> None:
    wire = body(message(full()))
    assert wire.keys() == FIELDS
    assert all(face.keys() == FACE_FIELDS for face in wire["faces"])
    assert wire["health"].keys() == HEALTH_FIELDS


def test_the_frame_is_identified() -> None:
    wire = body(message(full(), seq=7))
    assert wire["version"] == 1
    assert (wire["stream_id"], wire["seq"], wire["frame_seq"], wire["epoch"]) == ("door", 7, 45, 2)
    assert wire["media_time_s"] == 1.5
    assert (wire["clock"], wire["rtp_timestamp"]) == ("sender", 4_000_000_000)
    assert wire["captured_at"] == "1970-01-01T00:00:01.500Z"


def test_the_frame_size_is_width_then_height() -> None:
    seen = builders.frame(pixels=builders.textured(width=64, height=48))
    assert body(message(builders.analysis(on=seen)))["frame_size_px"] == [64, 48]


def test_boxes_and_landmarks_are_floats_in_the_decoded_frame() -> None:
    face = body(message(full()))["faces"][0]
    assert face["box_px"] == [60.0, 20.0, 250.0, 210.0]
    assert len(face["landmarks_px"]) == 5
    assert face["landmarks_px"][0] == pytest.approx([117.0, 86.5], abs=0.01)


def test_probabilities_are_null_where_there_is_none() -> None:
    scored, unknown = body(message(full()))["faces"]
    assert scored["probability_fake"] == pytest.approx(0.912346, abs=1e-5)
    assert scored["frame_probability_fake"] == 0.5
    assert unknown["probability_fake"] is None
    assert unknown["frame_probability_fake"] is None
    assert unknown["evidence_age_ms"] is None


def test_an_alarm_says_since_when_and_on_how_much_evidence() -> None:
    fake, unknown = body(message(full()))["faces"]
    assert (fake["fake_since_s"], fake["evidence_nats"]) == (0.25, 8.123)
    assert (unknown["fake_since_s"], unknown["evidence_nats"]) == (None, None)


def test_abstention_says_how_long_it_has_lasted() -> None:
    fake, unknown = body(message(full()))["faces"]
    assert (fake["undecided_s"], unknown["undecided_s"]) == (0.0, 45.0)


def test_reasons_are_written_in_words() -> None:
    assert body(message(full()))["faces"][1]["reasons"] == ["few_samples", "blurred"]


def test_evidence_age_is_now_minus_the_capture_of_the_newest_scored_frame() -> None:
    wire = body(message(full(), now_s=1.62))
    assert wire["faces"][0]["evidence_age_ms"] == pytest.approx(120.0, abs=0.1)


def test_the_health_lines_evidence_age_is_the_largest_of_the_faces() -> None:
    faces = [builders.report(key, newest_captured_at_s=at) for key, at in ((1, 4.0), (2, 3.0))]
    faces.append(builders.report(3, newest_captured_at_s=None))
    wire = body(message(builders.analysis(*faces), now_s=5.0))
    assert wire["health"]["evidence_age_ms"] == pytest.approx(2000.0, abs=0.1)


def test_the_health_lines_evidence_age_is_null_without_a_scored_face() -> None:
    stale = builders.health(evidence_age_ms=77.0)
    made = overlay_message(builders.analysis(), 0, stale, ManualClock(), 9.0)
    assert body(made)["health"]["evidence_age_ms"] is None


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ((), "no_face"),
        ((FaceState.NO_EVIDENCE,), "no_evidence"),
        ((FaceState.NO_EVIDENCE, FaceState.UNDECIDED), "undecided"),
        ((FaceState.UNDECIDED, FaceState.SUSPICIOUS), "suspicious"),
        ((FaceState.FAKE, FaceState.SUSPICIOUS, FaceState.NO_EVIDENCE), "fake"),
    ],
)
def test_the_streams_state_is_its_faces_worst(states: tuple[FaceState, ...], expected: str) -> None:
    faces = [builders.report(key, state=state) for key, state in enumerate(states)]
    assert body(message(builders.analysis(*faces)))["state"] == expected


def test_nothing_is_ever_called_real_or_verified() -> None:
    assert {state.value for state in FaceState} == {
        "undecided", "no_evidence", "suspicious", "fake",
    }  # fmt: skip


def test_the_heat_map_is_there_only_when_asked_for() -> None:
    made = message(full())
    assert all("heatmap" not in face for face in body(made)["faces"])
    scored, unknown = body(made, heatmap=True)["faces"]
    assert base64.b64decode(scored["heatmap"]) == b"\xff" * 196
    assert unknown["heatmap"] is None


def test_the_heat_map_is_row_major() -> None:
    heatmap: Floats = np.zeros((14, 14), np.float32)
    heatmap[0, 1], heatmap[13, 0] = 1.0, 0.5
    raw = heatmap_bytes(heatmap)
    assert len(raw) == 196
    assert (raw[1], raw[13 * 14], raw[0]) == (255, 128, 0)


def test_heat_beyond_its_range_is_clipped() -> None:
    heatmap: Floats = np.full((14, 14), 1.5, np.float32)
    heatmap[0, 0] = -0.5
    raw = heatmap_bytes(heatmap)
    assert (raw[0], raw[1]) == (0, 255)


@pytest.mark.parametrize(
    ("wall_s", "expected"),
    [
        (0.0, "1970-01-01T00:00:00.000Z"),
        (1769860800.25, "2026-01-31T12:00:00.250Z"),
        (0.001, "1970-01-01T00:00:00.001Z"),
        (951782400.0, "2000-02-29T00:00:00.000Z"),
        (1769860799.9999999, "2026-01-31T12:00:00.000Z"),
        (-0.25, "1969-12-31T23:59:59.750Z"),
    ],
)
def test_times_are_rfc_3339_in_utc_with_milliseconds(wall_s: float, expected: str) -> None:
    assert rfc3339(wall_s) == expected


def test_times_are_those_of_the_calendar_whatever_the_fraction() -> None:
    rng = np.random.default_rng(5)
    for wall_s in (1.7e9 + 1e6 * rng.random(2000)).tolist():
        slow = datetime.fromtimestamp(wall_s, UTC).isoformat(timespec="milliseconds")
        assert rfc3339(wall_s) == slow.replace("+00:00", "Z")


def test_a_message_survives_the_wire() -> None:
    made = message(full())
    assert OverlayMessage.model_validate_json(made.to_json(heatmap=True)) == made


# -- the schema ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    schema = overlay_schema()
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


@pytest.mark.parametrize("heatmap", [False, True])
@pytest.mark.parametrize("analysis", [full(), builders.analysis()], ids=["faces", "no face"])
def test_real_messages_meet_the_schema(
    validator: Draft202012Validator, analysis: Analysis, heatmap: bool
) -> None:
    validator.validate(body(message(analysis), heatmap=heatmap))


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("version",), 2),
        (("clock",), "guess"),
        (("state",), "real"),
        (("seq",), -1),
        (("seq",), None),
        (("frame_size_px",), [640]),
        (("frame_size_px",), [640, 360, 3]),
        (("extra",), 1),
        (("faces", 0, "state"), "verified"),
        (("faces", 0, "state"), "no_face"),
        (("faces", 0, "reasons"), ["because"]),
        (("faces", 0, "probability_fake"), 1.5),
        (("faces", 0, "box_px"), [1, 2, 3]),
        (("faces", 0, "landmarks_px"), [[1, 2]] * 4),
        (("faces", 0, "quality"), -0.1),
        (("faces", 0, "undecided_s"), None),
        (("faces", 0, "fake_since_s"), "now"),
        (("health", "source_state"), "asleep"),
    ],
    ids=str,
)
def test_the_schema_refuses_what_the_contract_does_not_know(
    validator: Draft202012Validator, place: tuple[Any, ...], value: Any
) -> None:
    wire = body(message(full()))
    part: Any = wire
    for key in place[:-1]:
        part = part[key]
    part[place[-1]] = value
    assert not validator.is_valid(wire)


@pytest.mark.parametrize("field", sorted(FIELDS))
def test_the_schema_demands_every_field(validator: Draft202012Validator, field: str) -> None:
    wire = body(message(full()))
    del wire[field]
    assert not validator.is_valid(wire)


def test_the_committed_schema_is_the_one_that_is_served() -> None:
    committed = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    assert committed == overlay_schema(), "run: python scripts/write_schemas.py"
