"""Chromium as a WebRTC peer of the real program: it publishes, and it watches frame by frame."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser.conftest import ROOMY, OpenPage
from tests.program import served

pytestmark = pytest.mark.browser

PUBLISH = """async (codec) => {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [640, 480];
  const ink = canvas.getContext("2d");
  let count = 0;
  setInterval(() => {
    ink.fillStyle = `hsl(${count++ * 7} 60% 50%)`;
    ink.fillRect(count % 600, 100, 40, 200);
  }, 33);
  const peer = new RTCPeerConnection();
  const [track] = canvas.captureStream(30).getVideoTracks();
  const sender = peer.addTransceiver(track, { direction: "sendonly" });
  const known = RTCRtpSender.getCapabilities("video").codecs;
  sender.setCodecPreferences(known.filter((one) => one.mimeType === codec));
  const scores = peer.createDataChannel("scores", { ordered: false, maxRetransmits: 0 });
  const messages = [];
  const enough = new Promise((resolve) => {
    scores.onmessage = (event) => messages.push(JSON.parse(event.data)) >= 20 && resolve();
  });
  await peer.setLocalDescription();
  const response = await fetch("/v1/whip/canvas", {
    method: "POST",
    headers: { "Content-Type": "application/sdp" },
    body: peer.localDescription.sdp,
  });
  if (response.status !== 201) return { status: response.status, said: await response.text() };
  await peer.setRemoteDescription({ type: "answer", sdp: await response.text() });
  await enough;
  const place = new URL(response.headers.get("Location"), response.url);
  const ended = await fetch(place, { method: "DELETE" });
  peer.close();
  return { status: response.status, ended: ended.status, messages };
}"""

WATCH = """async () => {
  const peer = new RTCPeerConnection();
  const { receiver } = peer.addTransceiver("video", { direction: "recvonly" });
  const how = { ordered: false, maxRetransmits: 0 };
  const lines = new Map();
  const seqs = new Set();
  peer.createDataChannel("frames", how).onmessage = (event) => {
    const line = JSON.parse(event.data);
    lines.set(line.rtp_timestamp, line.frame_seq);
  };
  peer.createDataChannel("scores", how).onmessage = (event) =>
    seqs.add(JSON.parse(event.data).frame_seq);
  await peer.setLocalDescription();
  const response = await fetch("/v1/whep/demo", {
    method: "POST",
    headers: { "Content-Type": "application/sdp" },
    body: peer.localDescription.sdp,
  });
  if (response.status !== 201) return { status: response.status, said: await response.text() };
  await peer.setRemoteDescription({ type: "answer", sdp: await response.text() });
  const video = document.createElement("video");
  video.muted = true;
  video.srcObject = new MediaStream([receiver.track]);
  document.body.append(video);
  await video.play();
  const shown = [];
  await new Promise((resolve) => {
    const look = (now, { rtpTimestamp }) => {
      if (shown.push(rtpTimestamp) >= 40) resolve();
      else video.requestVideoFrameCallback(look);
    };
    video.requestVideoFrameCallback(look);
  });
  const nearest = (rtp) => [...lines.keys()].find((one) => Math.abs(one - rtp) <= 90);
  const matched = shown.map(nearest).filter((one) => one !== undefined);
  const width = video.videoWidth;
  peer.close();
  return {
    status: response.status, width, shown: shown.length, matched: matched.length,
    known: matched.filter((one) => seqs.has(lines.get(one))).length,
  };
}"""


@pytest.fixture(scope="module")
def program() -> Iterator[str]:
    """The demo on a free port; gives the address that it printed."""
    with served("demo", *ROOMY) as address:
        yield address


@pytest.mark.parametrize("codec", ["video/VP8", "video/H264"])
def test_chromium_publishes_and_reads_its_scores(
    program: str, open_page: OpenPage, codec: str
) -> None:
    said: dict[str, Any] = open_page(program).evaluate(PUBLISH, codec)
    assert (said["status"], said.get("ended")) == (201, 200), said
    last = said["messages"][-1]
    assert last["stream_id"] == "canvas"
    assert last["rtp_timestamp"] is not None
    assert last["health"]["decoder"] == f"{codec.rpartition('/')[2].lower()} (software)"


def test_chromium_watches_and_can_tell_which_frame_each_picture_is(
    program: str, open_page: OpenPage
) -> None:
    said: dict[str, Any] = open_page(program).evaluate(WATCH)
    assert said["status"] == 201, said
    assert said["width"] > 0
    # The first pictures may have been on show before their lines were here.
    assert said["matched"] >= 0.9 * said["shown"], said
    assert said["known"] >= 0.8 * said["matched"], said
