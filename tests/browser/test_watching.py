"""A stream watched on the page: over WebRTC, and as a preview where that does not work."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from playwright.sync_api import Page, expect

from benchmarks.rtc.scene import CROP_PX, LOOK, WIDTH_PX, off_px, portrait
from tests.browser.conftest import ROOMY, OpenPage, running

pytestmark = [pytest.mark.browser, pytest.mark.alone]

FPS = 15
LENGTH_S = 40
WATCHED_S = 8
OFF = 0.05
CELL_PX = 32

# The numbers in the pixels say where the face is; nothing is timed here.
READ = """places => {
  window.scene = { drawn: { has: (number) => number < places.length, get: () => 0 },
                   place: (number) => places[number] };
}"""


def place(number: int) -> tuple[float, float]:
    """Where picture `number` has the middle of the face: it never stands still."""
    turn = 2 * math.pi * number / FPS
    return 320 + 110 * math.sin(turn / 3.2), 270 + 25 * math.sin(turn / 2.3)


def moving_face(path: Path) -> Path:
    """Write a film of a moving face; cells along the top tell each picture's number."""
    face = portrait()
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"bf": "0"})
        stream.width, stream.height, stream.pix_fmt = WIDTH_PX, 480, "yuv420p"
        for number in range(FPS * LENGTH_S):
            pixels = np.full((480, WIDTH_PX, 3), (106, 111, 120), np.uint8)
            x, y = (round(middle) - CROP_PX // 2 for middle in place(number))
            shown = pixels[y : y + CROP_PX, x : x + CROP_PX]
            shown[:] = face[: shown.shape[0]]
            checksum = sum(number >> at & 15 for at in (0, 4, 8, 12)) & 15
            code = number << 4 | checksum
            for cell in range(20):
                white = code >> (19 - cell) & 1
                pixels[:CELL_PX, cell * CELL_PX : (cell + 1) * CELL_PX] = 255 * white
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return moving_face(tmp_path_factory.mktemp("film") / "film.mp4")


@pytest.fixture(scope="module")
def program(film: Path) -> Iterator[str]:
    with running(f"film={film}", *ROOMY) as url:
        yield url


def wait_for(page: Page, way: str) -> None:
    page.wait_for_selector(f"[data-testid=picture][data-way='{way}'][data-boxes='1']")


def check_boxes(page: Page) -> None:
    page.evaluate(READ, [place(number) for number in range(FPS * LENGTH_S)])
    samples: list[dict[str, Any]] = page.evaluate(LOOK, WATCHED_S)
    faced = [one for one in samples if one["read"] and len(one["boxes"]) == 1]
    # As many as a busy machine analyses, and more than a still picture would give.
    assert len(faced) > WATCHED_S, json.dumps(samples)[:500]
    assert len({one["number"] for one in faced}) > 0.9 * len(faced)
    assert max(map(off_px, faced)) < OFF * WIDTH_PX
    # One frame further the face is elsewhere: nearly all must be nearer to their own place.
    other = [{**one, "face": place(one["number"] - 4)} for one in faced]
    nearer = sum(off_px(one) < off_px(wrong) for one, wrong in zip(faced, other, strict=True))
    assert nearer > 0.6 * len(faced)


def test_a_box_stands_on_its_own_picture_over_webrtc(program: str, open_page: OpenPage) -> None:
    page = open_page(program)
    wait_for(page, "webrtc")
    expect(page.get_by_test_id("caption")).to_contain_text("over WebRTC")
    check_boxes(page)
    assert page.get_by_test_id("picture").get_attribute("data-way") == "webrtc"


def test_without_room_for_viewers_the_preview_shows_it(film: Path, open_page: OpenPage) -> None:
    with running(f"film={film}", "--set", "webrtc.max_viewers=0", *ROOMY) as url:
        page = open_page(url)
        wait_for(page, "preview")
        expect(page.get_by_test_id("caption")).to_contain_text("preview")
        check_boxes(page)
        assert page.get_by_test_id("picture").get_attribute("data-way") == "preview"


LOSES_LINE = """() => {
  const Plain = window.RTCPeerConnection;
  window.peers = [];
  window.RTCPeerConnection = class extends Plain {
    constructor(...given) { super(...given); window.peers.push(this); }
  };
}"""


def test_a_connection_that_is_lost_is_made_anew_and_the_preview_stands_in(
    program: str, open_page: OpenPage
) -> None:
    page = open_page("about:blank")
    page.add_init_script(f"({LOSES_LINE})()")
    page.goto(program)
    wait_for(page, "webrtc")
    # Nothing tells the page: pictures stop, messages go on.
    page.evaluate("window.peers[0].getReceivers()[0].track.stop()")
    wait_for(page, "preview")
    wait_for(page, "webrtc")
    assert page.evaluate("window.peers.length") >= 2
