"""GStreamer's webrtcbin publishes over WHIP and watches over WHEP."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

import stream.service
from stream.rtc.options import RtcOptions
from stream.sources.base import SourceOptions
from tests.doubles import ScriptedSource, eventually, plays_on
from tests.interop.outside import outside
from tests.stream.rtc.peers import server

PYTHON = "/usr/bin/python3"
PEER = str(Path(__file__).with_name("webrtcbin.py"))
PACKAGES = "python3-gi gir1.2-gst-plugins-bad-1.0 gstreamer1.0-plugins-ugly gstreamer1.0-nice"
PROBE = """
import gi
gi.require_version("GstWebRTC", "1.0"); gi.require_version("Gst", "1.0")
from gi.repository import Gst, GstWebRTC
Gst.init(None)
assert all(map(Gst.ElementFactory.find, ("webrtcbin", "nicesrc", "vp8enc", "x264enc", "dtlsenc")))
"""
ANYWHERE = RtcOptions(busy_age_ms=60_000)
"""On every interface: libnice never tries loopback."""


@pytest.fixture(scope="module", autouse=True)
def _gstreamer() -> None:
    try:
        probe = subprocess.run([PYTHON, "-c", PROBE], capture_output=True, timeout=60)
    except FileNotFoundError:
        pytest.skip("needs Debian's python3")
    if probe.returncode:
        pytest.skip(f"needs GStreamer's webrtcbin; on Debian: apt install {PACKAGES}")


@pytest.mark.parametrize("codec", ["vp8", "h264"])
async def test_it_publishes_and_reads_its_scores(codec: str) -> None:
    async with server(ANYWHERE) as here:
        said = await outside(PYTHON, PEER, "publish", f"http://{here.base}/v1/whip/cam", codec)
        assert (said["status"], said["ended"]) == (201, 200)
        await eventually(lambda: here.exchange.publishers == 0)
    assert {message["stream_id"] for message in said["messages"]} == {"cam"}
    assert said["messages"][-1]["frame_size_px"] == [320, 240]
    assert said["messages"][-1]["health"]["decoder"] == f"{codec} (software)"


async def test_it_watches_and_reads_the_scores(monkeypatch: pytest.MonkeyPatch) -> None:
    def open_one(text: str, options: SourceOptions, schemes: tuple[str, ...]) -> ScriptedSource:
        return ScriptedSource(plays_on(0.04), live=True)

    monkeypatch.setattr(stream.service, "open_source", open_one)
    async with server(ANYWHERE, streams=("door",)) as here:
        said = await outside(PYTHON, PEER, "watch", f"http://{here.base}/v1/whep/door", "vp8")
        assert (said["status"], said["ended"]) == (201, 200)
        await eventually(lambda: here.exchange.viewers == 0)
    assert said["pictures"] >= 5
    assert {message["stream_id"] for message in said["messages"]} == {"door"}
