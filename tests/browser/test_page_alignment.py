"""A box stands on the frame that it belongs to: measured in the pixels on the screen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from tests.browser.conftest import OpenPage
from tests.browser.fake_server import FakeServer, FakeStream, square_px

pytestmark = pytest.mark.browser

SAMPLES = 25
"""Frames looked at. The square jumps at least 23 px each frame: one wrong frame would show."""

# Waits for another frame each time and finds two rectangles in the canvas: the picture's white
# square, and the blue box that was drawn. Rows and columns count only if a long run is in them,
# so that the label's white letters and its icon are no part of either.
LOOK = """
async (count) => {
  const canvas = document.querySelector('[data-testid=picture]');
  const context = canvas.getContext('2d', { willReadFrequently: true });
  const samples = [];
  let last = '';
  const edges = (hits, least) => {
    const found = [...hits.keys()].filter((index) => hits[index] > least);
    return found.length ? [found[0], found[found.length - 1]] : null;
  };
  const find = (wanted) => {
    const { width, height } = canvas;
    const { data } = context.getImageData(0, 0, width, height);
    const rows = new Array(height).fill(0);
    const columns = new Array(width).fill(0);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const at = 4 * (y * width + x);
        if (wanted(data[at], data[at + 1], data[at + 2])) { rows[y]++; columns[x]++; }
      }
    }
    const least = width * 0.15;
    const [ys, xs] = [edges(rows, least), edges(columns, least)];
    return ys && xs ? [xs[0], ys[0], xs[1], ys[1]] : null;
  };
  while (samples.length < count) {
    await new Promise(requestAnimationFrame);
    const { frameSeq, messageSeq, boxes } = canvas.dataset;
    if (!frameSeq || frameSeq + messageSeq === last) continue;
    last = frameSeq + messageSeq;
    samples.push({
      frame: Number(frameSeq),
      message: messageSeq,
      boxes: Number(boxes),
      scale: canvas.width / 640,
      square: find((r, g, b) => r > 225 && g > 225 && b > 225),
      box: find((r, g, b) => b - r > 70 && b > 160),
    });
  }
  return samples;
}
"""


@dataclass(frozen=True)
class Case:
    """How pictures and messages arrive, and how the page is shown."""

    name: str
    delay_s: float = 0.0
    every: int = 1
    preview_scale: float = 1.0
    options: tuple[tuple[str, Any], ...] = ()
    bare_allowed: bool = False


CASES = (
    Case("at once"),
    Case("messages 150 ms behind their pictures", delay_s=0.15),
    Case("one frame in three analysed", every=3),
    Case("a preview of half the size", preview_scale=0.5),
    Case("a phone with three pixels a point", options=(("device_scale_factor", 3),)),
    Case("messages 0.7 s behind, the first pictures shown bare", delay_s=0.7, bare_allowed=True),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_box_coincides_with_the_face_in_the_same_picture(case: Case, open_page: OpenPage) -> None:
    stream = FakeStream(
        message_delay_s=case.delay_s, message_every=case.every, preview_scale=case.preview_scale
    )
    options: dict[str, Any] = dict(case.options)
    with FakeServer(stream) as server:
        page = open_page(server.url, viewport={"width": 700, "height": 700}, **options)
        page.wait_for_selector("[data-testid=picture][data-boxes='1']")
        samples = page.evaluate(LOOK, SAMPLES)
    assert len({sample["frame"] for sample in samples}) > SAMPLES // 2
    for sample in samples:
        check_square(sample)
        if sample["boxes"]:
            check_box(sample)
        else:
            assert case.bare_allowed, sample
            assert sample["box"] is None
    assert any(sample["boxes"] for sample in samples)


def check_square(sample: dict[str, Any]) -> None:
    """The picture on the screen is the one whose number the page gives."""
    drawn = [edge / sample["scale"] for edge in sample["square"]]
    assert drawn == pytest.approx(square_px(sample["frame"]), abs=6), sample


def check_box(sample: dict[str, Any]) -> None:
    """The box is this picture's: at most its own line's width away from the square's edges."""
    assert sample["message"] == str(sample["frame"])
    drawn = [edge / sample["scale"] for edge in sample["box"]]
    assert drawn == pytest.approx(square_px(sample["frame"]), abs=4), sample


def test_message_that_comes_later_than_anyone_waits_is_not_drawn(open_page: OpenPage) -> None:
    with FakeServer(FakeStream(message_delay_s=1.6)) as server:
        page = open_page(server.url)
        page.wait_for_selector("[data-testid=face]")
        samples = page.evaluate(LOOK, 10)
    for sample in samples:
        check_square(sample)
    assert all(sample["box"] is None for sample in samples)


def test_picture_without_a_face_has_no_box(open_page: OpenPage) -> None:
    with FakeServer(FakeStream(faces=lambda seq: [], state="no_face")) as server:
        page = open_page(server.url)
        page.wait_for_selector("[data-testid=picture]:not([data-message-seq=''])")
        samples = page.evaluate(LOOK, 5)
    assert all(sample["box"] is None for sample in samples)


def test_video_of_another_epoch_is_not_paired_by_number_alone(open_page: OpenPage) -> None:
    stream = FakeStream(message_changes={"media_time_s": 1e6})
    with FakeServer(stream) as server:
        page = open_page(server.url)
        page.wait_for_selector("[data-testid=face]")
        samples = page.evaluate(LOOK, 5)
    assert all(sample["box"] is None and sample["boxes"] == 0 for sample in samples)
