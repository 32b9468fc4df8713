"""Who is not taken in: one clear line each, never a 500, and the server unharmed."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

import av
import httpx
import numpy as np
import pytest

from stream.body import MOST_BYTES
from stream.refusals import Refusal
from stream.rtc.offer import MOST_CANDIDATES, read_offer
from tests.doubles import DEADLINE_S, eventually
from tests.stream.rtc.peers import (
    LOOPBACK,
    SDP,
    Pictures,
    Server,
    an_offer,
    client,
    film,
    location,
    publishing,
    server,
)

OWNER, PUBLISH = "owner-token", "publish-token"
WHIP = "/v1/whip/cam"


def check_problem(response: httpx.Response, status: int) -> str:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert body["status"] == status
    assert "\n" not in body["detail"]
    return str(body["detail"])


def without(*starts: str) -> Callable[[str], str]:
    return lambda sdp: "".join(
        line for line in sdp.splitlines(keepends=True) if not line.startswith(starts)
    )


BROKEN: dict[str, tuple[Callable[[str], str], int]] = {
    "empty": (lambda sdp: "", 400),
    "html": (lambda sdp: "<html></html>", 400),
    "session part alone": (lambda sdp: sdp[: sdp.index("m=")], 400),
    "cut short": (lambda sdp: sdp[: sdp.index("a=rtpmap") + 12], 400),
    "no ice": (without("a=ice-pwd"), 400),
    "no fingerprint": (without("a=fingerprint"), 400),
    "no setup": (without("a=setup"), 400),
    "no rtcp-mux": (without("a=rtcp-mux"), 400),
    "no mid": (without("a=mid"), 400),
    "broken candidate": (lambda sdp: sdp + "a=candidate:1 1 udp\r\n", 400),
    "too many candidates": (
        lambda sdp: sdp + "a=candidate:1 1 udp 1 127.0.0.1 9 typ host\r\n" * 100, 400,
    ),
    "nothing is sent": (lambda sdp: sdp.replace("a=sendonly", "a=recvonly"), 422),
    "another codec": (lambda sdp: sdp.replace("VP8", "AV1"), 422),
    "another medium": (lambda sdp: sdp.replace("m=video", "m=text"), 422),
    "a port that is none": (lambda sdp: sdp.replace("m=video ", "m=video x"), 400),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
async def test_a_broken_offer_is_refused_in_words(name: str) -> None:
    spoil, status = BROKEN[name]
    async with server() as here:
        check_problem(await here.offer(WHIP, spoil(await an_offer())), status)
        assert here.exchange.publishers == 0
        assert not here.service.sessions


@pytest.mark.parametrize(
    ("path", "headers", "body", "status"),
    [
        (WHIP, {"Content-Type": "application/json"}, b"{}", 415),
        (WHIP, {}, b"v=0", 415),
        (WHIP, SDP, b"v=0\r\n" + b"a=x\r\n" * MOST_BYTES, 413),
        (WHIP, SDP, b"v=0\r\n\xff\xfe", 400),
        ("/v1/whip/a%20b", SDP, b"v=0", 422),
        ("/v1/whip/" + "x" * 33, SDP, b"v=0", 422),
        ("/v1/whip", SDP, b"v=0", 404),
        ("/offer", {"Content-Type": "application/json"}, b"{", 400),
        ("/offer", {"Content-Type": "application/json"}, b'{"sdp": 1}', 400),
        ("/offer", {"Content-Type": "application/json"}, b'{"sdp": "", "type": "answer"}', 400),
        ("/offer", {"Content-Type": "application/json"}, b'{"sdp": "", "type": "offer"}', 400),
    ],
)
async def test_what_is_no_offer_at_all_is_refused(
    path: str, headers: dict[str, str], body: bytes, status: int
) -> None:
    async with server() as here:
        check_problem(await here.ask("POST", path, content=body, headers=headers), status)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_the_endpoint_takes_post_alone(method: str) -> None:
    async with server() as here:
        check_problem(await here.ask(method, WHIP), 405)


async def test_random_bodies_never_break_the_reader() -> None:
    whole, rng = (await an_offer()).encode(), random.Random(9725)
    for _ in range(10_000):
        body = bytearray(whole)
        for _ in range(rng.randint(1, 8)):
            place = rng.randrange(len(body))
            body[place : place + rng.choice((0, 1, 40))] = rng.randbytes(rng.randint(0, 3))
        try:
            read_offer(body.decode(errors="replace"), "publish")
        except Refusal as exc:
            assert "\n" not in str(exc)  # noqa: PT017  most are refused, some are still whole


async def test_random_bodies_leave_the_server_unharmed(caplog: pytest.LogCaptureFixture) -> None:
    whole, rng = (await an_offer()).encode(), random.Random(1)
    async with server() as here:
        base = f"http://{here.base}"
        async with httpx.AsyncClient(base_url=base, timeout=DEADLINE_S, verify=False) as http:
            for _ in range(60):
                body = bytearray(whole)
                for _ in range(rng.randint(1, 12)):
                    body[rng.randrange(len(body))] = rng.randrange(256)
                response = await http.post(WHIP, content=bytes(body), headers=SDP)
                assert response.status_code in {201, 400, 422}, response.text
                if response.status_code == 201:
                    await http.delete(location(response))
                    await eventually(lambda: here.exchange.publishers == 0)
        assert (await here.ask("GET", "/healthz")).status_code == 200
        assert not here.service.sessions
    assert "fault in the program" not in caplog.text
    assert "exception was never retrieved" not in caplog.text


# -- tokens -------------------------------------------------------------------------------------


async def test_to_publish_takes_a_token_and_the_publish_token_is_enough() -> None:
    async with server(token=OWNER, publish_token=PUBLISH) as here:
        offer = await an_offer()
        for token in ("", "wrong"):
            refusal = await here.offer(WHIP, offer, token)
            check_problem(refusal, 401)
            assert refusal.headers["www-authenticate"] == "Bearer"
        async with publishing(here, token=PUBLISH) as camera:
            await camera.heard("scores")
            check_problem(await here.ask("DELETE", camera.location), 401)
            assert (await here.ask("DELETE", camera.location, PUBLISH)).status_code == 200


async def reads(here: Server, token: str) -> list[str]:
    body = (await here.ask("GET", "/v1/streams", token)).json()
    return [item["id"] for item in body["streams"]]


async def test_a_publisher_reads_its_own_stream_and_no_other() -> None:
    async with (
        server(token=OWNER, publish_token=PUBLISH) as here,
        publishing(here, "ann", token=PUBLISH) as ann,
        publishing(here, "bob", token=PUBLISH) as bob,
    ):
        assert await reads(here, ann.viewer_token) == ["ann"]
        assert await reads(here, bob.viewer_token) == ["bob"]
        assert sorted(await reads(here, OWNER)) == ["ann", "bob"]
        check_problem(await here.ask("GET", "/v1/streams", PUBLISH), 401)
        check_problem(await here.ask("GET", "/metrics", ann.viewer_token), 401)
        async with client() as one:
            one.connection.addTransceiver("video", "recvonly")
            offer = await one.offer()
        check_problem(await here.offer("/v1/whep/bob", offer, ann.viewer_token), 401)
        check_problem(await here.offer("/v1/whep/bob", offer, PUBLISH), 401)
        check_problem(await here.offer("/v1/whip/new", await an_offer(), ann.viewer_token), 401)


async def test_a_viewer_token_ends_with_its_stream() -> None:
    async with server(token=OWNER, publish_token=PUBLISH) as here:
        async with publishing(here, "ann", token=PUBLISH) as ann:
            assert await reads(here, ann.viewer_token) == ["ann"]
            await ann.heard("scores")  # only who is connected can say goodbye
        await eventually(lambda: not here.service.sessions)
        check_problem(await here.ask("GET", "/v1/streams", ann.viewer_token), 401)


async def test_another_sites_script_may_not_publish_unless_it_is_allowed() -> None:
    friend = "https://call.example"
    async with server(allowed_origins=(friend,)) as here:
        offer = await an_offer()
        foreign = {**SDP, "Origin": "https://evil.example"}
        check_problem(await here.ask("POST", WHIP, content=offer, headers=foreign), 403)
        allowed = {**SDP, "Origin": friend}
        answer = await here.ask("POST", WHIP, content=offer, headers=allowed)
        assert answer.status_code == 201
        assert answer.headers["access-control-allow-origin"] == friend
        assert "Location" in answer.headers["access-control-expose-headers"]
        asks = {"Origin": friend, "Access-Control-Request-Method": "POST"}
        assert (await here.ask("OPTIONS", WHIP, headers=asks)).status_code == 200


# -- room ---------------------------------------------------------------------------------------


async def test_when_all_places_are_taken_the_next_one_is_told_when_to_come_back() -> None:
    async with server(replace(LOOPBACK, max_publishers=1)) as here, publishing(here, "one"):
        refusal = await here.offer("/v1/whip/two", await an_offer())
        check_problem(refusal, 503)
        assert int(refusal.headers["retry-after"]) > 0


async def test_while_evidence_is_old_nobody_new_comes() -> None:
    async with server(replace(LOOPBACK, busy_age_ms=0.001)) as here, publishing(here) as camera:
        while not (await camera.heard("scores"))["health"]["evidence_age_ms"]:
            pass
        refusal = await here.offer("/v1/whip/two", await an_offer())
        assert "busy" in check_problem(refusal, 503)


# -- limits while it runs -----------------------------------------------------------------------


async def test_a_picture_that_is_too_large_ends_the_stream() -> None:
    async with server(replace(LOOPBACK, max_pixels=320 * 239)) as here, publishing(here):
        await eventually(lambda: here.exchange.publishers == 0)


async def test_a_publisher_that_sends_nothing_is_ended() -> None:
    async with server(replace(LOOPBACK, idle_timeout_s=0.6)) as here, publishing(here) as camera:
        await camera.heard("scores")
        camera.connection.getTransceivers()[0].sender._enabled = False
        await eventually(lambda: here.exchange.publishers == 0)


class Noise(Pictures):
    """What no encoder makes small: ten times what ends a stream, so a busy machine sends enough."""

    async def recv(self) -> av.VideoFrame:
        usual = await super().recv()
        pixels = np.random.default_rng(self.sent).integers(0, 256, (240, 320, 3), np.uint8)
        frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
        frame.pts, frame.time_base = usual.pts, usual.time_base
        return frame


async def test_a_publisher_that_sends_far_too_much_is_ended() -> None:
    async with server(replace(LOOPBACK, max_bitrate=100_000)) as here, client() as one:
        film(one, track=Noise())
        await one.take(await here.offer(WHIP, await one.offer()))
        await eventually(lambda: here.exchange.publishers == 0)


# -- later --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"If-Match": '"1"'}, "a=candidate:1 1 udp 1 127.0.0.1 9 typ host\r\n", 204),
        ({"If-Match": '"1"'}, "", 204),
        ({}, "", 428),
        ({"If-Match": '"7"'}, "", 412),
        ({"If-Match": "*"}, "a=ice-ufrag:new\r\na=ice-pwd:newnewnewnewnewnewnewnew\r\n", 422),
        ({"If-Match": '"1"'}, "a=ice-ufrag:new\r\n", 422),
        ({"If-Match": '"1"'}, "a=candidate:1 1 udp\r\n", 400),
        ({"If-Match": '"1"', "Content-Type": "text/plain"}, "", 415),
    ],
)
async def test_candidates_may_come_later_and_ice_is_not_restarted(
    headers: dict[str, str], body: str, status: int
) -> None:
    kind = {"Content-Type": "application/trickle-ice-sdpfrag"}
    async with server() as here, publishing(here) as camera:
        response = await here.ask("PATCH", camera.location, content=body, headers=kind | headers)
        assert response.status_code == status, response.text


async def test_candidates_without_end_are_refused() -> None:
    headers = {"Content-Type": "application/trickle-ice-sdpfrag", "If-Match": '"1"'}
    body = "".join(
        f"a=candidate:{n} 1 udp 1 127.0.0.1 {9000 + n} typ host\r\n" for n in range(MOST_CANDIDATES)
    )
    async with server() as here, publishing(here) as camera:
        first = await here.ask("PATCH", camera.location, content=body, headers=headers)
        assert first.status_code == 204
        more = await here.ask("PATCH", camera.location, content=body, headers=headers)
        check_problem(more, 400)


async def test_ice_servers_are_told_to_who_may_publish_and_to_nobody_else() -> None:
    options = replace(LOOPBACK, ice_urls=("stun:stun.example:3478",))
    async with server(options, token=OWNER) as here:
        check_problem(await here.ask("OPTIONS", WHIP), 401)
        response = await here.ask("OPTIONS", WHIP, OWNER)
        assert response.status_code == 204
        assert response.headers["accept-post"] == "application/sdp"
        assert response.headers["link"] == '<stun:stun.example:3478>; rel="ice-server"'


async def test_the_json_offer_of_aiortcs_example_works_too() -> None:
    async with server() as here, client() as one:
        film(one)
        one.open("scores")
        sdp = await one.offer()
        answer = (await here.ask("POST", "/offer", json={"sdp": sdp, "type": "offer"})).json()
        assert answer["type"] == "answer"
        await one.answered(answer["sdp"])
        assert (await one.heard("scores"))["stream_id"] == answer["stream"]
