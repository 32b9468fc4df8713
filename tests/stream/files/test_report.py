"""Report: one page a clip that needs nothing else and lets nothing in."""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime
from html.parser import HTMLParser

import cv2
import numpy as np
import pytest

from stream.files.report import Method, Subject, heat_png, model_rows, page
from stream.files.words import MEANINGS, REASONS, STATES
from stream.scoring.options import ScoringOptions
from stream.types import FaceState, Reason
from tests import builders
from tests.stream.files.results import clip, telling_face

METHOD = Method(builders.detector_spec(alarm=builders.ALARM), ScoringOptions(), "# The card", "1.2")
SUBJECT = Subject("clip.mp4", 1234, "ab" * 32, datetime(2026, 1, 31, 12, tzinfo=UTC))
VOID = {"meta", "img", "rect", "line", "circle", "polyline"}


class Tags(HTMLParser):
    """Every tag with its attributes; complains where they do not close."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self._open: list[str] = []
        self.feed(text)
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self._open.pop() == tag


def test_the_page_says_the_verdict_why_and_what_it_cannot_tell() -> None:
    text = page(clip(telling_face(), cut_short=True, degraded=("slow",)), SUBJECT, METHOD)
    Tags(text)
    for said in (
        STATES[FaceState.FAKE], MEANINGS[FaceState.FAKE], REASONS[Reason.COMPRESSED],
        "cut short", "Degraded: slow", "swap since", "alarm at", "ab" * 32, "2026-01-31 12:00 UTC",
        "DeepfakeStream 1.2", "The most telling frames", "What this cannot tell", "# The card",
        "0:00.5 · 97 % · quality 70 %",
    ):  # fmt: skip
        assert said in text, said


def test_it_loads_nothing_and_runs_nothing() -> None:
    tags = Tags(page(clip(telling_face()), SUBJECT, METHOD)).seen
    assert not [tag for tag, _ in tags if tag in {"script", "link", "iframe", "object", "use"}]
    places = [
        value for _, given in tags for name, value in given.items() if name in {"src", "href"}
    ]
    assert places
    assert all(str(place).startswith("data:image/") for place in places)
    policy = next(given["content"] for tag, given in tags if "http-equiv" in given)
    assert str(policy).startswith("default-src 'none'")


def test_what_a_file_is_called_is_text() -> None:
    name = '<script>alert(1)</script>"onload=.mp4'
    text = page(clip(), Subject(name, 1, "", SUBJECT.analysed_at), METHOD)
    assert "<script" not in text
    assert "&lt;script&gt;" in text


@pytest.mark.parametrize("dark", ["light dark", "prefers-color-scheme: dark"])
def test_it_is_readable_by_day_and_by_night(dark: str) -> None:
    assert dark in page(clip(), SUBJECT, METHOD)


def test_a_clip_without_a_face_says_that_nothing_was_judged() -> None:
    text = page(clip(), SUBJECT, METHOD)
    Tags(text)
    assert MEANINGS["no_face"] in text
    assert "<svg" not in text


def test_no_word_says_that_anybody_is_real() -> None:
    assert not [word for word in STATES.values() if re.search("real|genuine|verified", word, re.I)]


def test_every_state_and_reason_has_its_words() -> None:
    assert set(STATES) == set(MEANINGS) == {*FaceState, "no_face"}
    assert set(REASONS) == set(Reason)


def test_the_models_card_says_how_sure_its_alarm_is() -> None:
    rows = dict(model_rows(METHOD))
    assert rows["Alarm"] == "at 6.30 nats: 0.1 false alarms an hour (extrapolated)"
    bare = Method(builders.detector_spec(alarm=None), ScoringOptions(), "", "1")
    assert dict(model_rows(bare))["Alarm"] == "not calibrated for these weights"


def test_a_heat_map_is_clear_where_it_is_cold() -> None:
    cold_to_hot = np.repeat(np.array([0] * 7 + [255] * 7, np.uint8)[None], 14, axis=0)
    png = heat_png(base64.b64encode(cold_to_hot.tobytes()).decode())
    drawn = cv2.imdecode(np.frombuffer(base64.b64decode(png), np.uint8), cv2.IMREAD_UNCHANGED)
    assert drawn is not None
    assert drawn[:, 0, 3].max() == 0
    assert drawn[:, -1, 3].min() > 100
