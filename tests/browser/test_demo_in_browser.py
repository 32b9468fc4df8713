"""The whole way: the built-in clip, the real server, the real networks, a real browser."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from stream.config import WEIGHTS
from tests.browser.conftest import OpenPage
from tests.program import served

pytestmark = pytest.mark.browser
DETECTOR = WEIGHTS / "detector.json"


@pytest.fixture(scope="module")
def demo() -> Iterator[str]:
    """The demo on a free port; gives the address that it printed."""
    if not DETECTOR.is_file():
        pytest.skip("the detector is missing: `python -m export detector` makes it")
    with served("demo") as address:
        yield address


def test_box_and_score_move_and_the_evidence_has_an_age(demo: str, open_page: OpenPage) -> None:
    page = open_page(demo)
    page.wait_for_selector("[data-testid=picture][data-boxes='1']")
    expect(page.get_by_test_id("banner")).to_be_hidden()
    expect(page.get_by_test_id("stage")).to_have_attribute("data-stale", "false")
    page.wait_for_function(
        "() => Number(document.querySelector('[data-testid=face-evidence-age]')?.dataset.ms) > 0"
    )
    face = page.get_by_test_id("face").first
    expect(face).to_have_attribute("data-probability", re.compile(r"^0\.\d+$"))
    score = face.get_attribute("data-probability") or ""
    expect(face).not_to_have_attribute("data-probability", score)
    seen = frames_with_their_own_message(page, 10)
    assert len(set(seen)) == 10
    expect(page.get_by_test_id("health-engine")).to_have_text(re.compile("^onnxruntime( int8)?$"))


def frames_with_their_own_message(page: Page, count: int) -> list[str]:
    """The next frames on the screen, each checked to be drawn with the message of its own."""
    seen: list[str] = []
    picture = page.get_by_test_id("picture")
    while len(seen) < count:
        expect(picture).not_to_have_attribute("data-frame-seq", seen[-1] if seen else "")
        shown = picture.evaluate("canvas => [canvas.dataset.frameSeq, canvas.dataset.messageSeq]")
        assert shown[1] in {shown[0], ""}, shown
        seen.append(shown[0])
    return seen


def test_stream_is_listed_with_its_health(demo: str, open_page: OpenPage) -> None:
    page = open_page(demo)
    expect(page.get_by_test_id("stream-id")).to_have_text(["demo"])
    expect(page.get_by_test_id("stream-state")).to_have_text("Live")
    expect(page.get_by_test_id("health-decoder")).to_contain_text("h264")


def test_heat_map_comes_when_asked_for(demo: str, open_page: OpenPage) -> None:
    page = open_page(demo)
    page.wait_for_selector("[data-testid=picture][data-boxes='1']")
    assert page.get_by_test_id("picture").get_attribute("data-heatmaps") == "0"
    page.get_by_test_id("toggle-heatmap").click()
    page.wait_for_selector("[data-testid=picture][data-heatmaps='1']")
