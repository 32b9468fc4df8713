"""Figures and their report."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from training.evaluate.clips.figures import Figures, Seen, figures
from training.evaluate.clips.folder import Clip
from training.evaluate.clips.plan import Showing
from training.evaluate.clips.report import markdown, write_report
from training.evaluate.clips.variant import AS_IT_IS, Variant
from training.evaluate.clips.watched import Alarm, Watched


def seen(name: str, watched: Watched, variant: Variant = AS_IT_IS) -> Seen:
    return Seen(Showing(Clip(Path(name), name, name.startswith("fake")), variant), watched)


def course(face_s: dict[str, float], *alarms: Alarm, seconds: float = 1800.0) -> Watched:
    reasons = {"blurred": face_s["undecided"] / 2} if "undecided" in face_s else {}
    return Watched(seconds, 10, 0.5, face_s, reasons, alarms, min(1, len(alarms)))


@pytest.fixture
def found() -> Figures:
    quiet = course({"no_evidence": 1350.0, "undecided": 450.0})
    loud = course({"no_evidence": 1800.0}, Alarm(1, 3.0, 2.0), Alarm(2, 4.0, 3.0))
    caught = course({"fake": 6.0, "undecided": 2.0}, Alarm(1, 2.5, 0.25), seconds=8.0)
    missed = course({"undecided": 8.0}, seconds=8.0)
    again = Variant(codec="vp8", kbit_s=500)
    return figures(
        [seen("a", quiet), seen("b", loud), seen("fake-c", caught), seen("fake-c", missed, again)],
        {"d": "is broken"},
        "weights 123",
    )


def test_false_alarms_are_counted_by_face_by_stream_and_by_hour_in_sight(found: Figures) -> None:
    assert (found.tracks.count, found.tracks.hours) == (2, 1.0)
    assert (found.streams.count, found.streams.hours) == (1, 1.0)
    assert (found.per_face_hour.count, found.per_face_hour.hours) == (2, 1.0)
    assert (found.alarmed_showings, found.real_showings) == (1, 2)
    assert [(source.clip, source.alarms) for source in found.sources] == [("a", 0), ("b", 2)]


def test_abstained_time_is_a_share_of_the_time_in_sight(found: Figures) -> None:
    assert found.real.abstained == 450 / 3600
    assert found.fake.abstained == 10 / 16
    assert found.fake.fake == 6 / 16
    assert found.real.reasons == {"blurred": 0.5}


def test_fakes_have_a_time_to_detect_or_none(found: Figures) -> None:
    caught, missed = found.detections
    assert (caught.after_s, caught.after_face_s, caught.since_s) == (2.5, 2.0, 0.25)
    assert (missed.after_s, missed.after_face_s, missed.since_s) == (None, None, None)
    assert missed.variant == "vp8 500 kbit/s, scale 1.00, gain 1.00"


def test_the_report_says_it_all(found: Figures, tmp_path: Path) -> None:
    text = markdown(found)
    for words in (
        "2 in 1.00 h: 2.00 an hour",
        "never",
        "2.50",
        "d: is broken",
        "12.5%",
        "blurred 50.0%",
    ):
        assert words in text
    write_report(found, tmp_path)
    assert (tmp_path / "clips.md").read_text() == text
    body = json.loads((tmp_path / "clips.json").read_text())
    assert body["tracks"]["count"] == 2
    assert body["detections"][0]["after_s"] == 2.5


def test_without_reals_or_fakes_it_says_so(tmp_path: Path) -> None:
    nothing = figures([], {}, "w")
    assert "No real clip" in markdown(nothing)
    assert "No fake clip" in markdown(nothing)
    write_report(nothing, tmp_path)
    assert json.loads((tmp_path / "clips.json").read_text())["real"]["abstained"] is None
