"""The page under a name of its own, over HTTPS: camera, WHIP and WebSockets work there."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from benchmarks.rtc.program import quiet_clip
from benchmarks.rtc.scene import CLICK, SCENE, scene
from tests.browser.conftest import ROOMY, another_browser, running
from tests.certificate import self_signed

pytestmark = pytest.mark.browser
NAME = "detector.test"
# The name is no loopback name, so nothing but HTTPS makes the page a secure context.
FLAGS = (f"--host-resolver-rules=MAP {NAME} 127.0.0.1", "--ignore-certificate-errors")


def test_the_own_camera_is_published_and_scored_over_tls(browser: Browser, tmp_path: Path) -> None:
    cert, key = self_signed(tmp_path, f"DNS:{NAME}")
    clip = quiet_clip(tmp_path / "quiet.mp4")
    tls = ("--tls-cert", str(cert), "--tls-key", str(key), "--token", "owner-token-1")
    with running(f"quiet={clip}", *tls, *ROOMY) as url, another_browser(browser, *FLAGS) as page:
        assert url.startswith("https://127.0.0.1:")
        sockets: list[str] = []
        page.on("websocket", lambda socket: sockets.append(socket.url))
        page.goto(url.replace("127.0.0.1", NAME))
        assert page.evaluate("isSecureContext")
        page.wait_for_selector("[data-testid=picture][data-frame-seq]:not([data-frame-seq=''])")
        page.evaluate(SCENE, scene())
        with page.expect_response("**/v1/whip/me-*") as answer:
            page.evaluate(CLICK)
        assert answer.value.url.startswith(f"https://{NAME}:")
        page.wait_for_selector("[data-testid=picture][data-boxes='1']")
        expect(page.get_by_test_id("own")).to_have_attribute("data-state", "live")
        assert sockets
        assert all(socket.startswith(f"wss://{NAME}:") for socket in sockets)
        page.get_by_test_id("own-stop").click()
        expect(page.get_by_test_id("stream-id")).to_have_text(["quiet"])
