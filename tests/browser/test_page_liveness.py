"""An old picture or score is never taken for a live one, and what breaks comes back."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.fake_server import FakeServer, FakeStream

pytestmark = pytest.mark.browser


def wait_until_live(page: Page) -> None:
    page.wait_for_selector("[data-testid=picture][data-boxes='1']")
    expect(page.get_by_test_id("stage")).to_have_attribute("data-stale", "false")
    expect(page.get_by_test_id("banner")).to_be_hidden()


def evidence_ms(page: Page) -> float:
    return float(page.get_by_test_id("face-evidence-age").get_attribute("data-ms") or "nan")


def test_evidence_goes_on_ageing_and_the_picture_turns_grey_when_messages_stop(
    open_page: OpenPage,
) -> None:
    stream = FakeStream()
    with FakeServer(stream) as server:
        page = open_page(server.url)
        wait_until_live(page)
        stream.running = False
        expect(page.get_by_test_id("stage")).to_have_attribute("data-stale", "true")
        expect(page.get_by_test_id("banner-title")).to_have_text("Not live")
        expect(page.get_by_test_id("live-state")).to_have_text("Not live")
        before = evidence_ms(page)
        assert before >= 2000
        page.wait_for_function(
            "ms => document.querySelector('[data-testid=face-evidence-age]').dataset.ms > ms",
            arg=before + 1000,
        )
        stream.running = True
        wait_until_live(page)
        assert evidence_ms(page) < 2000


@pytest.mark.parametrize(
    ("state", "title"),
    [
        ("stalled", "The source has stalled"),
        ("connecting", "Connecting to the source"),
        ("paused", "The stream is paused"),
        ("ended", "The source has ended"),
    ],
)
def test_state_of_the_source_is_said_even_when_it_sends_nothing(
    state: str, title: str, open_page: OpenPage
) -> None:
    stream = FakeStream()
    with FakeServer(stream) as server:
        page = open_page(server.url)
        wait_until_live(page)
        stream.running, stream.source_state = False, state
        expect(page.get_by_test_id("banner-title")).to_have_text(title)
        expect(page.get_by_test_id("stage")).to_have_attribute("data-stale", "true")
        stream.running, stream.source_state = True, "live"
        wait_until_live(page)


def test_server_that_goes_and_comes_back_is_found_again(open_page: OpenPage) -> None:
    stream = FakeStream(seq=5000)
    with FakeServer(stream) as server:
        page = open_page(server.url)
        wait_until_live(page)
        server.stop()
        expect(page.get_by_test_id("banner-title")).to_have_text("Connection to the server lost")
        expect(page.get_by_test_id("stage")).to_have_attribute("data-stale", "true")
        expect(page.get_by_test_id("stream-state")).to_have_text("Unknown")
        # A new process counts from the start: the page must not wait for its old numbers.
        stream.seq = 0
        server.start()
        page.wait_for_function(
            "e => e.dataset.frameSeq && Number(e.dataset.frameSeq) < 5000",
            arg=page.get_by_test_id("picture").element_handle(),
        )
        wait_until_live(page)


def test_new_epoch_breaks_the_line_and_keeps_the_face(open_page: OpenPage) -> None:
    stream = FakeStream()
    with FakeServer(stream) as server:
        page = open_page(server.url)
        wait_until_live(page)
        stream.epoch_starts, stream.epoch = stream.seq, 1
        first = page.get_by_test_id("picture").get_attribute("data-frame-seq") or ""
        expect(page.get_by_test_id("picture")).not_to_have_attribute("data-frame-seq", first)
        wait_until_live(page)
        expect(page.get_by_test_id("face")).to_have_count(1)


def test_picture_goes_on_without_boxes_when_only_the_scores_stop(open_page: OpenPage) -> None:
    stream = FakeStream()
    with FakeServer(stream) as server:
        page = open_page(server.url)
        wait_until_live(page)
        stream.message_every = 10**9
        page.wait_for_selector("[data-testid=picture][data-boxes='0'][data-message-seq='']")
        first = page.get_by_test_id("picture").get_attribute("data-frame-seq") or ""
        expect(page.get_by_test_id("picture")).not_to_have_attribute("data-frame-seq", first)
        expect(page.get_by_test_id("stage")).to_have_attribute("data-stale", "true")


def test_hidden_tab_asks_for_no_pictures(open_page: OpenPage) -> None:
    stream = FakeStream()
    with FakeServer(stream) as server:
        page = open_page(server.url)
        wait_until_live(page)
        hide(page, True)
        wait_for_viewers(page, stream, 0)
        assert stream.watching("scores") == 1
        hide(page, False)
        wait_for_viewers(page, stream, 1)
        wait_until_live(page)


def hide(page: Page, hidden: bool) -> None:
    page.evaluate(
        """hidden => {
          Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });
          document.dispatchEvent(new Event('visibilitychange'));
        }""",
        hidden,
    )


def wait_for_viewers(page: Page, stream: FakeStream, count: int) -> None:
    """Until the server has `count` sockets for the video; frames in the page are the clock."""
    for _ in range(600):
        if stream.watching("video") == count:
            return
        page.evaluate("() => new Promise(requestAnimationFrame)")
    raise AssertionError(f"{stream.watching('video')} viewers instead of {count}")
