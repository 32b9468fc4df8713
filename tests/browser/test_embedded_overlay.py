"""<deepfake-overlay> on another site's page: its own video, the detector's boxes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import expect

from benchmarks.rtc.program import ROOT, quiet_clip
from benchmarks.rtc.scene import SCENE, scene
from tests.browser.conftest import OpenPage, running

pytestmark = pytest.mark.browser
EXAMPLE = ROOT / "docs" / "examples" / "call.html"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base's name
        """Say nothing."""


@contextmanager
def site(folder: Path) -> Iterator[str]:
    """Serves `folder` as a site of its own: another origin than the detector's."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_the_example_shows_boxes_over_a_sites_own_call(tmp_path: Path, open_page: OpenPage) -> None:
    clip = quiet_clip(tmp_path / "quiet.mp4")
    folder = tmp_path / "site"
    folder.mkdir()
    with site(folder) as origin:
        allowed = f'server.allowed_origins=["{origin}"]'
        with running(f"quiet={clip}", "--set", allowed) as url:
            text = EXAMPLE.read_text(encoding="utf-8")
            (folder / "call.html").write_text(text.replace("http://localhost:8080/", url))
            page = open_page(f"{origin}/call.html")
            page.evaluate(SCENE, scene())
            page.get_by_role("button").click()
            overlay = page.locator("deepfake-overlay")
            expect(overlay).to_have_attribute("data-state", "open")
            expect(overlay).to_have_attribute("data-boxes", "1")
            expect(page.locator("#score")).to_contain_text("undecided")
            page.evaluate("document.querySelector('deepfake-overlay').remove()")
            assert page.evaluate("document.getElementById('caller') === null")
