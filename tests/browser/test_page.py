"""What the page shows and says, against a server that says what the test wants."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.fake_server import Face, FakeServer, FakeStream, face, square_face, square_px

pytestmark = pytest.mark.browser


def three_faces(seq: int) -> list[Face]:
    return [
        face((20, 60, 120, 190), track_id=1, state="undecided", probability_fake=None, samples=1)
        | {"reasons": ["face_too_small", "few_samples"], "evidence_age_ms": None},
        face((200, 60, 320, 220), track_id=2, state="fake", probability_fake=0.93),
        face((420, 60, 540, 220), track_id=5, state="suspicious", probability_fake=0.66),
    ]


def card(page: Page, track_id: int) -> Any:
    return page.locator(f"[data-testid=face][data-track-id='{track_id}']")


def test_each_face_has_a_card_with_state_score_reasons_and_age(open_page: OpenPage) -> None:
    with FakeServer(FakeStream(faces=three_faces)) as server:
        page = open_page(server.url)
        expect(page.get_by_test_id("face")).to_have_count(3)
        expect(card(page, 2).get_by_test_id("face-state")).to_have_text("Fake")
        expect(card(page, 2).get_by_test_id("face-score")).to_have_text("93 %")
        expect(card(page, 5)).to_have_attribute("data-state", "suspicious")
        undecided = card(page, 1)
        expect(undecided.get_by_test_id("face-score")).to_have_text("–")
        expect(undecided.get_by_test_id("face-evidence-age")).to_have_text("none yet")
        reasons = undecided.get_by_test_id("face-reasons").locator("li")
        expect(reasons).to_have_text(["Face too small", "Too few scores yet"])


def test_score_moves_and_its_line_grows(open_page: OpenPage) -> None:
    with FakeServer(FakeStream()) as server:
        page = open_page(server.url)
        page.wait_for_selector("[data-testid=face]")
        first = card(page, 1).get_attribute("data-probability")
        expect(card(page, 1)).not_to_have_attribute("data-probability", first or "")
        chart = card(page, 1).get_by_test_id("face-chart")
        page.wait_for_function("e => Number(e.dataset.spanS) > 1.5", arg=chart.element_handle())


CALIBRATED = {
    "suspicious_above": 0.6,
    "fake_above": None,
    "alarm_nats": 8.0,
    "false_alarms_per_hour": 0.1,
    "extrapolated": True,
}


def test_an_alarm_says_since_when_and_how_sure_alarms_are(open_page: OpenPage) -> None:
    def faces(seq: int) -> list[Face]:
        swapped = face(square_px(seq), state="fake", probability_fake=0.9)
        return [swapped | {"fake_since_s": 75.42, "evidence_nats": 11.0}]

    with FakeServer(FakeStream(faces=faces, thresholds=CALIBRATED)) as server:
        page = open_page(server.url)
        expect(card(page, 1).get_by_test_id("face-note")).to_have_text("Swapped since about 1:15.4")
        expect(card(page, 1).get_by_test_id("face-alarm-text")).to_have_text("100 %")
        rate = page.get_by_test_id("alarm-rate")
        expect(rate).to_contain_text("about 1 in 10 hours")
        expect(rate).to_contain_text("extrapolated")


def test_the_way_to_an_alarm_is_shown_only_where_it_can_be_measured(open_page: OpenPage) -> None:
    stream = FakeStream(
        faces=lambda seq: [face(square_px(seq), evidence_nats=2.0)], thresholds=CALIBRATED
    )
    with FakeServer(stream) as server:
        page = open_page(server.url)
        expect(card(page, 1).get_by_test_id("face-alarm-text")).to_have_text("25 %")
        stream.thresholds = None
        expect(card(page, 1).get_by_test_id("face-alarm")).to_be_hidden()
        expect(page.get_by_test_id("alarm-rate")).to_contain_text("not known")


def test_long_abstention_is_said_with_its_cause(open_page: OpenPage) -> None:
    reasons = ["low_quality", "face_too_small", "long_undecided"]

    def faces(seq: int) -> list[Face]:
        return [face(square_px(seq), state="undecided", reasons=reasons, undecided_s=45.0)]

    with FakeServer(FakeStream(faces=faces)) as server:
        page = open_page(server.url)
        note = card(page, 1).get_by_test_id("face-note")
        expect(note).to_have_text("Cannot tell for 45 s: face too small")
        tags = card(page, 1).get_by_test_id("face-reasons").locator("li")
        expect(tags).to_have_text(["Picture too poor to judge", "Face too small"])


def test_nothing_on_the_page_says_real_or_verified(open_page: OpenPage) -> None:
    with FakeServer(FakeStream(faces=three_faces)) as server:
        page = open_page(server.url)
        expect(page.get_by_test_id("face")).to_have_count(3)
        text = page.locator("body").inner_text()
    assert not re.search(r"\b(verified|authentic)\b|\bis real\b", text, re.IGNORECASE)
    assert "never proof" in text


def test_card_of_a_face_that_left_says_so_and_goes(open_page: OpenPage) -> None:
    stream = FakeStream(faces=three_faces)
    with FakeServer(stream) as server:
        page = open_page(server.url)
        expect(page.get_by_test_id("face")).to_have_count(3)
        stream.faces = lambda seq: three_faces(seq)[1:]
        expect(card(page, 1)).to_contain_text("Not in the picture")
        expect(card(page, 1)).to_have_count(0)
        expect(page.get_by_test_id("face")).to_have_count(2)


def test_health_is_shown(open_page: OpenPage) -> None:
    stream = FakeStream(degraded=["the preview is slow"])
    with FakeServer(stream) as server:
        page = open_page(server.url)
        page.wait_for_selector("[data-testid=face]")
        for part, text in {
            "fps-in": "15.0",
            "fps-scored": "4.0",
            "dropped": "1\u2009203",
            "engine": "onnxruntime",
            "device": "cpu",
            "decoder": "h264 (software)",
            "source": "Live",
            "clock": "On arrival",
        }.items():
            expect(page.get_by_test_id(f"health-{part}")).to_have_text(text)
        expect(page.get_by_test_id("health-degraded")).to_have_text("Degraded: the preview is slow")
        expect(page.get_by_test_id("health-evidence-age")).to_have_text(re.compile(r"\d+ ms"))


def test_heat_maps_are_asked_for_only_while_they_are_shown(open_page: OpenPage) -> None:
    with FakeServer(FakeStream()) as server:
        page = open_page(server.url)
        page.wait_for_selector("[data-testid=face]")
        assert not any("heatmap=1" in path for path in server.requested)
        toggle = page.get_by_test_id("toggle-heatmap")
        before = redness(page)
        toggle.click()
        expect(toggle).to_have_attribute("aria-pressed", "true")
        wait_for_redness(page, lambda count: count > before + 500)
        assert "heatmap=1" in server.requested[-1]
        toggle.click()
        wait_for_redness(page, lambda count: count < before + 100)
        assert "heatmap=0" in server.requested[-1]


# Pixels of the heat map's yellow, which neither the square nor its box has.
REDNESS = """
() => {
  const canvas = document.querySelector('[data-testid=picture]');
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  let count = 0;
  for (let at = 0; at < data.length; at += 4) if (data[at] - data[at + 2] > 60) count++;
  return count;
}
"""


def redness(page: Page) -> int:
    return int(page.evaluate(REDNESS))


def wait_for_redness(page: Page, wanted: Callable[[int], bool]) -> None:
    for _ in range(600):
        if wanted(redness(page)):
            return
        page.evaluate("() => new Promise(requestAnimationFrame)")
    raise AssertionError(f"the picture kept {redness(page)} pixels of heat")


def test_text_from_outside_is_never_markup(open_page: OpenPage) -> None:
    hostile = "<img src=x onerror=\"document.title='owned'\">"

    def faces(seq: int) -> list[Face]:
        return [face(square_px(seq), state=hostile, reasons=[hostile], heatmap=hostile)]

    stream = FakeStream(
        "a&token=x", hostile, faces=faces, state=hostile, degraded=[hostile], source_state=hostile
    )
    with FakeServer(stream) as server:
        page = open_page(server.url)
        expect(page.get_by_test_id("face-reasons")).to_contain_text("onerror")
        expect(page.get_by_test_id("stream-source")).to_have_text(hostile)
        link = page.get_by_test_id("stream-link")
        expect(link).to_have_attribute("href", "#stream=a%26token%3Dx")
        assert page.locator("img").count() == 1
        assert page.title() == "DeepfakeStream"


def test_streams_are_listed_and_chosen_by_keyboard(open_page: OpenPage) -> None:
    streams = (
        FakeStream("door", "rtsp://user:***@192.0.2.1/", source_state="connecting", running=False),
        FakeStream("hall", "camera:0"),
    )
    with FakeServer(*streams) as server:
        page = open_page(server.url)
        expect(page.get_by_test_id("title-stream")).to_have_text("hall")
        expect(page.get_by_test_id("stream-source").first).to_have_text(streams[0].source)
        page.get_by_test_id("stream-link").first.focus()
        page.keyboard.press("Enter")
        expect(page.get_by_test_id("title-stream")).to_have_text("door")
        expect(page.get_by_test_id("banner-title")).to_have_text("Connecting to the source")
        expect(page.get_by_test_id("face")).to_have_count(0)
        expect(page.get_by_test_id("picture")).to_have_attribute("data-frame-seq", "")
        page.go_back()
        expect(page.get_by_test_id("title-stream")).to_have_text("hall")
        page.wait_for_selector("[data-testid=face]")


def test_streams_that_are_added_and_removed_come_and_go(open_page: OpenPage) -> None:
    with FakeServer(FakeStream("door")) as server:
        page = open_page(server.url)
        expect(page.get_by_test_id("title-stream")).to_have_text("door")
        server.streams["yard"] = FakeStream("yard", source_state="paused", running=False)
        expect(page.get_by_test_id("stream-id")).to_have_text(["door", "yard"])
        expect(page.get_by_test_id("stream-state").last).to_have_text("Paused")
        del server.streams["door"]
        expect(page.get_by_test_id("stream-id")).to_have_text(["yard"])
        expect(page.get_by_test_id("banner-title")).to_have_text("The stream is paused")


def test_unknown_stream_and_no_stream_are_said(open_page: OpenPage) -> None:
    with FakeServer(FakeStream()) as server:
        page = open_page(server.url + "#stream=nobody")
        expect(page.get_by_test_id("banner-title")).to_have_text("There is no stream “nobody”")
        server.streams.clear()
        page = open_page(server.url)
        expect(page.get_by_test_id("banner-title")).to_have_text("No streams")


def test_token_is_taken_from_the_address_and_kept(open_page: OpenPage) -> None:
    with FakeServer(FakeStream(), FakeStream("two"), token="s3cret") as server:
        page = open_page(server.url)
        expect(page.get_by_test_id("banner-title")).to_have_text("This server needs a token")
        expect(page.get_by_test_id("banner-text")).to_have_text("Open the address that it printed.")
        page.goto(server.url + "#token=wrong")
        expect(page.get_by_test_id("banner-title")).to_have_text("This server needs a token")
        page.goto(server.url + "#token=s3cret")
        page.wait_for_selector("[data-testid=face]")
        page.get_by_test_id("stream-link").last.click()
        expect(page.get_by_test_id("title-stream")).to_have_text("two")
        page.wait_for_selector("[data-testid=face]")
        assert page.url.endswith("#stream=two&token=s3cret")
        assert not any("s3cret" in path for path in server.requested)


def test_page_works_behind_a_path_prefix(open_page: OpenPage) -> None:
    with FakeServer(FakeStream(), prefix="/cameras/one") as server:
        page = open_page(server.url)
        page.wait_for_selector("[data-testid=picture][data-boxes='1']")


def test_theme_follows_the_system_until_chosen_and_is_kept(open_page: OpenPage) -> None:
    background = "() => getComputedStyle(document.body).backgroundColor"
    with FakeServer(FakeStream()) as server:
        page = open_page(server.url, color_scheme="dark")
        dark = page.evaluate(background)
        page.emulate_media(color_scheme="light")
        light = page.evaluate(background)
        assert dark != light
        page.get_by_test_id("toggle-theme").click()
        assert page.evaluate(background) == dark
        page.reload()
        assert page.evaluate(background) == dark


@pytest.mark.parametrize("width", [320, 360, 768, 1920])
def test_nothing_is_cut_off_sideways(width: int, open_page: OpenPage) -> None:
    with FakeServer(FakeStream(faces=three_faces)) as server:
        page = open_page(server.url, viewport={"width": width, "height": 740})
        expect(page.get_by_test_id("face")).to_have_count(3)
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_changes_of_state_are_announced(open_page: OpenPage) -> None:
    stream = FakeStream()
    with FakeServer(stream) as server:
        page = open_page(server.url)
        expect(page.get_by_test_id("announcer")).to_have_text("Face 1: No evidence.")
        stream.faces = lambda seq: [{**square_face(seq)[0], "state": "fake"}]
        expect(page.get_by_test_id("announcer")).to_have_text("Face 1: Fake.")
        expect(page.get_by_test_id("announcer")).to_have_attribute("aria-live", "polite")


def test_message_of_another_version_is_refused_in_words(open_page: OpenPage) -> None:
    with FakeServer(FakeStream(message_changes={"version": 2})) as server:
        page = open_page(server.url)
        expect(page.get_by_test_id("banner-text")).to_contain_text("version 2 instead of 1")
