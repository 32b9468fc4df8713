"""ICE: addresses, ports, NAT, servers; and nobody outside is asked unless it is configured."""

from __future__ import annotations

import socket
from dataclasses import replace

import pytest
from pydantic import SecretStr

from stream.rtc import ice
from stream.rtc.options import RtcOptions
from tests.stream.rtc.peers import LOOPBACK, an_offer, client, film, publishing, server


def candidates(sdp: str) -> list[list[str]]:
    return [line.split() for line in sdp.splitlines() if line.startswith("a=candidate")]


def free_ports() -> tuple[int, int]:
    """A range of four ports of which the first is free."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    return port, min(port + 3, 65535)


def test_nobody_is_asked_by_default() -> None:
    assert ice.configuration(RtcOptions()).iceServers == []
    assert ice.links(RtcOptions()) == []


def test_servers_are_used_and_told_with_their_password() -> None:
    options = RtcOptions(
        ice_urls=("stun:a.example:3478", "turn:b.example?transport=tcp"),
        turn_username="me",
        turn_password=SecretStr('a"b'),
    )
    stun, turn = ice.configuration(options).iceServers or []
    assert (stun.urls, stun.credential) == ("stun:a.example:3478", None)
    assert (turn.urls, turn.username, turn.credential) == (
        "turn:b.example?transport=tcp", "me", 'a"b',
    )  # fmt: skip
    assert ice.links(options) == [
        '<stun:a.example:3478>; rel="ice-server"',
        '<turn:b.example?transport=tcp>; rel="ice-server"; username="me"; '
        'credential="a\\"b"; credential-type="password"',
    ]
    assert 'a"b' not in repr(options)


async def test_the_answer_names_the_configured_addresses_and_ports_alone() -> None:
    low, high = free_ports()
    options = replace(LOOPBACK, min_port=low, max_port=high)
    async with server(options) as here, publishing(here) as camera:
        assert camera.response is not None
        found = candidates(camera.response.text)
        assert await camera.heard("scores")
    assert found
    assert {one[4] for one in found} == {"127.0.0.1"}
    assert {low <= int(one[5]) <= high for one in found} == {True}


async def test_by_default_every_address_and_loopback_is_named() -> None:
    async with client(RtcOptions()) as one:
        film(one)
        found = candidates(await one.offer(RtcOptions()))
    assert "127.0.0.1" in {line[4] for line in found}


async def test_behind_nat_the_address_that_the_world_sees_is_named() -> None:
    async with server(replace(LOOPBACK, nat_address="198.51.100.7")) as here:
        # The answer is only read: nothing is to be sent to that address.
        found = candidates((await here.offer("/v1/whip/cam", await an_offer())).text)
    assert {one[4] for one in found} == {"198.51.100.7"}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"ice_urls": ("http://stun.example",)}, "no ICE server"),
        ({"min_port": 5000}, "go together"),
        ({"min_port": 6000, "max_port": 5000}, "go together"),
        ({"min_port": 6000, "max_port": 70000}, "65535"),
        ({"max_viewers": -1}, "negative"),
        ({"idle_timeout_s": 0.0}, "more than 0"),
        ({"max_bitrate": 1}, "bit/s"),
        ({"start_bitrate": 1}, "bit/s"),
        ({"view_width_px": 3}, "at least 64"),
    ],
)
def test_settings_that_cannot_be_are_refused(wrong: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        RtcOptions(**wrong)  # type: ignore[arg-type]
