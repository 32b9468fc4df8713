"""WHIP on real sockets: aiortc publishes, and its stream lives like every other one."""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import threading
from dataclasses import replace
from urllib.parse import urljoin

import pytest
from websockets.asyncio.client import connect

from tests.doubles import DEADLINE_S, eventually
from tests.stream.rtc.peers import LOOPBACK, an_offer, client, film, publishing, server

OWNER, GUEST = "owner-token", "guest-token"


@pytest.mark.parametrize(("codec", "decoder"), [("VP8", "vp8"), ("H264", "h264")])
async def test_a_publisher_gets_its_scores_over_its_data_channel(codec: str, decoder: str) -> None:
    async with server() as here, publishing(here, codec=codec) as camera:
        first = await camera.heard("scores")
        second = await camera.heard("scores")
        while (message := await camera.heard("scores"))["health"]["decoder"] == "":
            pass
    assert first["stream_id"] == "cam"
    assert second["seq"] > first["seq"]
    assert message["frame_size_px"] == [320, 240]
    assert message["health"]["decoder"] == f"{decoder} (software)"
    assert message["health"]["source_state"] == "live"


async def test_messages_carry_the_rtp_time_that_the_publisher_sent() -> None:
    async with server() as here, publishing(here) as camera:
        messages = [await camera.heard("scores") for _ in range(5)]
    for one, other in itertools.pairwise(messages):
        ticks = (other["rtp_timestamp"] - one["rtp_timestamp"]) % 2**32
        passed_s = other["media_time_s"] - one["media_time_s"]
        assert ticks == pytest.approx(90_000 * passed_s, abs=2)


@pytest.mark.alone
async def test_a_publisher_sees_a_score_within_two_seconds() -> None:
    loop = asyncio.get_running_loop()
    async with server() as here:
        begin_s = loop.time()
        async with publishing(here) as camera:
            while True:
                message = await camera.heard("scores")
                faces = message["faces"]
                if faces and faces[0]["frame_probability_fake"] is not None:
                    break
            assert loop.time() - begin_s < 3 * 2.0


async def test_the_stream_is_listed_and_watched_over_the_web_socket_like_any_other() -> None:
    async with server() as here, publishing(here) as camera:
        await camera.heard("scores")
        (item,) = (await here.ask("GET", "/v1/streams")).json()["streams"]
        assert (item["id"], item["source"]) == ("cam", "webrtc:cam")
        async with connect(f"ws://{here.base}/v1/streams/cam/scores") as socket:
            message = json.loads(await asyncio.wait_for(socket.recv(), DEADLINE_S))
        assert message["stream_id"] == "cam"


async def test_the_answer_says_where_to_end_it_and_how_much_may_be_sent() -> None:
    async with server() as here, publishing(here) as camera:
        assert camera.response is not None
        assert camera.response.headers["content-type"].startswith("application/sdp")
        assert camera.response.headers["etag"]
        assert camera.location.startswith("/v1/whip/cam/")
        # A proxy that takes a prefix off is between the client and here: RFC 9725 lets the address
        # be relative, and then it holds on both sides.
        outside = "https://site.example/detector"
        told = camera.response.headers["location"]
        assert urljoin(f"{outside}/v1/whip/cam", told) == f"{outside}{camera.location}"
        assert "b=TIAS:4000000" in camera.response.text


@pytest.mark.parametrize(("most", "asked"), [(4_000_000, 1500), (800_000, 800)])
async def test_chromium_is_asked_to_begin_with_a_picture_that_can_be_judged(
    most: int, asked: int
) -> None:
    options = replace(LOOPBACK, max_bitrate=most)
    async with server(options) as here, publishing(here) as camera:
        assert camera.response is not None
        lines = camera.response.text.splitlines()
        payloads = {
            line.partition(":")[2].split()[0]
            for line in lines
            if re.match(r"a=rtpmap:\d+ (VP8|H264)/", line)
        }
        parameters = dict(
            line.removeprefix("a=fmtp:").split(" ", 1)
            for line in lines
            if line.startswith("a=fmtp:")
        )
        assert payloads
        for payload in payloads:
            assert f"x-google-start-bitrate={asked}" in parameters[payload].split(";")


async def test_delete_ends_the_stream_and_frees_its_name_and_its_metrics() -> None:
    async with server() as here, publishing(here) as camera:
        await camera.heard("scores")
        assert 'stream="cam"' in (await here.ask("GET", "/metrics")).text
        assert (await here.ask("DELETE", camera.location)).status_code == 200
        await eventually(lambda: not here.service.sessions)
        await eventually(lambda: here.exchange.publishers == 0)
        assert 'stream="cam"' not in (await here.ask("GET", "/metrics")).text
        assert (await here.ask("DELETE", camera.location)).status_code == 404


async def test_a_publisher_that_hangs_up_ends_its_stream() -> None:
    async with server() as here:
        async with publishing(here) as camera:
            await camera.heard("scores")
        await eventually(lambda: not here.service.sessions)


async def test_a_name_that_is_taken_is_refused_and_harms_nobody() -> None:
    async with server() as here, publishing(here) as camera:
        await camera.heard("scores")
        refusal = await here.offer("/v1/whip/cam", await an_offer())
        assert refusal.status_code == 409
        assert await camera.heard("scores")


async def test_sound_is_left_out() -> None:
    async with server() as here, client() as one:
        one.connection.addTransceiver("audio", "sendonly")
        film(one)
        one.open("scores")
        await one.take(await here.offer("/v1/whip/cam", await one.offer()))
        assert await one.heard("scores")
        audio, video = one.connection.getTransceivers()
        assert (audio.currentDirection, video.currentDirection) == ("inactive", "sendonly")


async def test_leaving_ends_everybody_and_leaves_no_task_or_thread() -> None:
    threads, tasks = set(threading.enumerate()), asyncio.all_tasks()
    async with client() as one, server() as here:
        film(one)
        one.open("scores")
        await one.take(await here.offer("/v1/whip/cam", await one.offer()))
        await one.heard("scores")
    await eventually(lambda: not asyncio.all_tasks() - tasks)
    left = {thread.name for thread in set(threading.enumerate()) - threads}
    assert not {name for name in left if not name.startswith(("asyncio_", "AnyIO"))}
