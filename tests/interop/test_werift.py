"""werift, another WebRTC stack in another language, publishes over WHIP and watches over WHEP."""

from __future__ import annotations

import base64
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

import stream.service
from stream.sources.base import SourceOptions
from tests.doubles import ScriptedSource, eventually, plays_on
from tests.interop.outside import outside
from tests.stream.rtc.peers import server
from tests.stream.sources.clips import coded

HERE = Path(__file__).parent

pytestmark = pytest.mark.skipif(
    shutil.which("node") is None or not (HERE / "node_modules" / "werift").is_dir(),
    reason="needs node and werift: npm install --prefix tests/interop",
)


async def peer(wish: str, url: str, frames: Path) -> dict[str, Any]:
    return await outside("node", str(HERE / "peer.mjs"), wish, url, str(frames))


@pytest.fixture
def frames(tmp_path: Path) -> Path:
    file = tmp_path / "frames.json"
    file.write_text(json.dumps([base64.b64encode(one.data).decode() for one in coded(30)]))
    return file


async def test_it_publishes_and_reads_its_scores(frames: Path) -> None:
    async with server() as here:
        said = await peer("publish", f"http://{here.base}/v1/whip/cam", frames)
        assert (said["status"], said["ended"]) == (201, 200)
        await eventually(lambda: here.exchange.publishers == 0)
    assert {message["stream_id"] for message in said["messages"]} == {"cam"}
    assert said["messages"][-1]["frame_size_px"] == [320, 240]
    assert said["messages"][-1]["health"]["decoder"] == "vp8 (software)"


async def test_it_watches_and_reads_the_scores(
    frames: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def open_one(text: str, options: SourceOptions, schemes: tuple[str, ...]) -> ScriptedSource:
        return ScriptedSource(plays_on(0.04), live=True)

    monkeypatch.setattr(stream.service, "open_source", open_one)
    async with server(streams=("door",)) as here:
        said = await peer("watch", f"http://{here.base}/v1/whep/door", frames)
        assert (said["status"], said["ended"]) == (201, 200)
        await eventually(lambda: here.exchange.viewers == 0)
    assert said["pictures"] >= 5
    assert {message["stream_id"] for message in said["messages"]} == {"door"}
