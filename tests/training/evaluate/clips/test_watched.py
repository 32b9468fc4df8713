"""A course from messages."""

from __future__ import annotations

import json
from typing import Any

import pytest

from training.evaluate.clips.watched import Alarm, Watch, Watched


def face(track_id: int, state: str, since_s: float | None = None, **more: Any) -> dict[str, Any]:
    return {"track_id": track_id, "state": state, "reasons": [], "fake_since_s": since_s, **more}


def watched(*messages: tuple[float, list[dict[str, Any]]]) -> Watched:
    watch = Watch()
    for time_s, faces in messages:
        watch.add({"media_time_s": time_s, "faces": faces})
    return watch.ended()


def test_each_entry_of_a_face_into_fake_is_an_alarm() -> None:
    found = watched(
        (10.0, []),
        (11.0, [face(1, "suspicious")]),
        (12.0, [face(1, "fake", 11.5)]),
        (13.0, [face(1, "fake", 11.5), face(2, "fake", 12.5)]),
        (14.0, [face(1, "no_evidence"), face(2, "fake", 12.5)]),
        (15.0, [face(1, "no_evidence")]),
        (16.0, [face(1, "fake", 15.5)]),
    )
    assert found.alarms == (
        Alarm(1, 2.0, 1.5, until_s=4.0), Alarm(2, 3.0, 2.5, until_s=5.0), Alarm(1, 6.0, 5.5),
    )  # fmt: skip
    assert found.stream_alarms == 2
    assert found.alarm_after_s == 2.0
    assert found.first_face_s == 1.0
    assert (found.seconds, found.frames) == (6.0, 7)


def test_time_is_counted_for_each_face_in_its_state() -> None:
    found = watched(
        (0.0, [face(1, "undecided")]),
        (0.5, [face(1, "undecided", reasons=["blurred"]), face(2, "no_evidence")]),
        (2.0, [face(1, "suspicious"), face(2, "undecided", reasons=["few_samples"])]),
    )
    assert found.face_s == {"undecided": 2.0, "no_evidence": 0.5, "suspicious": 1.5}
    assert found.reasons_s == {"blurred": 0.5, "few_samples": 1.5}
    assert found.faces_s == 4.0


def test_a_clip_without_faces_has_no_alarm() -> None:
    found = watched((0.0, []), (1.0, []))
    assert found.alarm_after_s is None
    assert found.first_face_s is None
    assert found.faces_s == 0


def test_weights_without_an_alarm_model_report_no_moment() -> None:
    message = face(1, "fake")
    del message["fake_since_s"]
    assert watched((0.0, []), (1.0, [message])).alarms == (Alarm(1, 1.0, None),)


def test_it_survives_json() -> None:
    found = watched((0.0, [face(1, "fake", 0.0)]), (1.0, [face(1, "undecided")]))
    assert Watched.from_body(json.loads(json.dumps(found.to_body()))) == found
    assert found.face_s["undecided"] == pytest.approx(1.0)
