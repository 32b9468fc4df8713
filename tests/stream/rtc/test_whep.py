"""WHEP on real sockets: aiortc watches a stream, and can tell which frame each picture is."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiortc import MediaStreamTrack
from av.video.frame import VideoFrame

import stream.service
from stream.rtc.broadcast import Broadcast
from stream.sources.base import SourceOptions
from tests.doubles import DEADLINE_S, ScriptedSource, eventually, plays_on
from tests.stream.rtc.peers import Client, Server, client, publishing, server


@pytest.fixture(autouse=True)
def camera(monkeypatch: pytest.MonkeyPatch) -> None:
    """A camera of 25 frames a second that the server pulls."""

    def open_one(text: str, options: SourceOptions, schemes: tuple[str, ...]) -> ScriptedSource:
        return ScriptedSource(plays_on(0.04), live=True)

    monkeypatch.setattr(stream.service, "open_source", open_one)


@asynccontextmanager
async def watching(here: Server, stream_id: str, token: str = "") -> AsyncIterator[Client]:
    async with client() as one:
        one.connection.addTransceiver("video", "recvonly")
        for label in ("scores", "frames"):
            one.open(label)
        await one.take(await here.offer(f"/v1/whep/{stream_id}", await one.offer(), token))
        yield one


async def picture(one: Client) -> VideoFrame:
    track: MediaStreamTrack = one.connection.getTransceivers()[0].receiver.track
    frame = await asyncio.wait_for(track.recv(), DEADLINE_S)
    assert isinstance(frame, VideoFrame)
    return frame


def broadcasts(here: Server) -> dict[object, Broadcast]:
    return here.exchange._broadcasts  # type: ignore[return-value]


async def test_a_viewer_sees_the_pictures_and_reads_their_scores() -> None:
    async with server(streams=("door",)) as here, watching(here, "door") as one:
        frame = await picture(one)
        assert (frame.width, frame.height) == (320, 240)
        assert (await one.heard("scores"))["stream_id"] == "door"


async def test_each_picture_is_told_which_frame_it_is() -> None:
    async with server(streams=("door",)) as here, watching(here, "door") as one:
        lines = [await one.heard("frames") for _ in range(8)]
        messages = {m["frame_seq"]: m for m in [await one.heard("scores") for _ in range(20)]}
    assert lines[0].keys() == {"rtp_timestamp", "frame_seq", "epoch", "media_time_s"}
    for line, after in itertools.pairwise(lines):
        ticks = (after["rtp_timestamp"] - line["rtp_timestamp"]) % 2**32
        assert ticks == pytest.approx(
            90_000 * (after["media_time_s"] - line["media_time_s"]), abs=2
        )
    known = [line for line in lines if line["frame_seq"] in messages]
    assert known
    for line in known:
        assert line["media_time_s"] == messages[line["frame_seq"]]["media_time_s"]


async def test_what_the_lines_say_is_what_is_on_the_wire() -> None:
    async with server(streams=("door",)) as here, watching(here, "door") as one:
        receiver = one.connection.getTransceivers()[0].receiver
        seen: list[int] = []
        taken = receiver._handle_rtp_packet

        async def note(packet: object, arrival_time_ms: int) -> None:
            seen.append(packet.timestamp)  # type: ignore[attr-defined]
            await taken(packet, arrival_time_ms)  # type: ignore[arg-type]

        receiver._handle_rtp_packet = note  # type: ignore[method-assign]
        lines = [await one.heard("frames") for _ in range(10)]
        await eventually(lambda: len(seen) > 20)
    assert {line["rtp_timestamp"] for line in lines[2:8]} <= set(seen)


async def test_viewers_share_one_encoder_which_stops_after_the_last() -> None:
    async with server(streams=("door",)) as here:
        assert not broadcasts(here)
        async with watching(here, "door") as one:
            await picture(one)
            async with watching(here, "door") as other:
                await picture(other)
                (broadcast,) = broadcasts(here).values()
                assert len(broadcast.pictures) == 2
            await eventually(lambda: len(broadcast.pictures) == 1)
            await picture(one)
        await eventually(lambda: here.exchange.viewers == 0)
        assert not broadcasts(here)


async def test_a_publishers_stream_is_watched_and_ends_with_it() -> None:
    async with server() as here, publishing(here, "cam") as camera:
        await camera.heard("scores")
        async with watching(here, "cam") as one:
            await picture(one)
            await here.ask("DELETE", camera.location)
            await eventually(lambda: here.exchange.viewers == 0)


async def test_delete_ends_it() -> None:
    async with server(streams=("door",)) as here, watching(here, "door") as one:
        await picture(one)
        assert (await here.ask("DELETE", one.location)).status_code == 200
        await eventually(lambda: here.exchange.viewers == 0)
        assert (await here.ask("DELETE", one.location)).status_code == 404


async def test_an_unknown_stream_is_not_found() -> None:
    async with server() as here, client() as one:
        one.connection.addTransceiver("video", "recvonly")
        response = await here.offer("/v1/whep/nowhere", await one.offer())
    assert response.status_code == 404
    assert "nowhere" in response.json()["detail"]


async def test_who_wants_to_send_to_whep_is_told_so() -> None:
    async with server(streams=("door",)) as here, client() as one:
        one.connection.addTransceiver("video", "sendonly")
        response = await here.offer("/v1/whep/door", await one.offer())
    assert response.status_code == 422
