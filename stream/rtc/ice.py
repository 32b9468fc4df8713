"""ICE: by which addresses, ports and servers a peer is reached."""

from __future__ import annotations

import asyncio
import ipaddress
import random
import re
from collections.abc import Sequence
from functools import partial
from typing import Any, Final, cast

from aioice import Candidate, Connection
from aioice.candidate import candidate_foundation, candidate_priority
from aioice.ice import StunProtocol, server_reflexive_candidate
from aioice.stun import TransactionError
from aiortc import (
    RTCBundlePolicy,
    RTCConfiguration,
    RTCIceServer,
    RTCIceTransportPolicy,
    RTCPeerConnection,
)

from stream.rtc.options import RtcOptions

_HOST: Final = re.compile(r"^(a=candidate:\S+ \d+ udp \d+ )(\S+)( \d+ typ host.*)$", re.MULTILINE)


def configuration(options: RtcOptions) -> RTCConfiguration:
    """aiortc's settings. Without a list it would ask a public STUN server: the list is explicit."""
    servers = [
        RTCIceServer(url, options.turn_username, options.turn_password.get_secret_value())
        if url.startswith("turn")
        else RTCIceServer(url)
        for url in options.ice_urls
    ]
    policy = RTCIceTransportPolicy.RELAY if options.relay_only else RTCIceTransportPolicy.ALL
    return RTCConfiguration(servers, policy, RTCBundlePolicy.MAX_BUNDLE)


def links(options: RtcOptions) -> list[str]:
    """The servers as Link headers (RFC 9725, section 4.6)."""
    lines = []
    for url in options.ice_urls:
        line = f'<{url}>; rel="ice-server"'
        if url.startswith("turn"):
            username, password = options.turn_username, options.turn_password.get_secret_value()
            line += f"; username={_quoted(username)}; credential={_quoted(password)}"
            line += '; credential-type="password"'
        lines.append(line)
    return lines


def steer(peer: RTCPeerConnection, options: RtcOptions) -> None:
    """Let `peer` gather on the configured addresses and ports; before it does.

    aioice takes every interface but loopback and any port, and has no option for it.
    """
    transports = [transceiver.receiver.transport for transceiver in peer.getTransceivers()]
    if peer.sctp:
        transports.append(peer.sctp.transport)
    for transport in transports:
        connection = transport.transport.iceGatherer._connection
        gather = partial(_gather, connection, options, type(connection).get_component_candidates)
        connection.get_component_candidates = gather  # type: ignore[method-assign]


def as_seen(sdp: str, options: RtcOptions) -> str:
    """The answer `sdp` with the host candidates' addresses as the world sees them."""
    if not options.nat_address:
        return sdp
    version = ipaddress.ip_address(options.nat_address).version

    def seen(match: re.Match[str]) -> str:
        same = ipaddress.ip_address(match[2]).version == version
        return f"{match[1]}{options.nat_address if same else match[2]}{match[3]}"

    return _HOST.sub(seen, sdp)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


async def _gather(
    connection: Connection,
    options: RtcOptions,
    usual: Any,
    component: int,
    addresses: Sequence[str],
    timeout: int = 5,  # noqa: ASYNC109  aioice's signature
) -> list[Candidate]:
    if options.relay_only:
        return cast(list[Candidate], await usual(connection, component, [], timeout))
    chosen = options.host_addresses or ("127.0.0.1", *addresses)
    if not options.min_port:
        return cast(list[Candidate], await usual(connection, component, list(chosen), timeout))
    protocols = [
        protocol
        for address in chosen
        if (protocol := await _bind(connection, component, address, options)) is not None
    ]
    connection._protocols += protocols
    found = [protocol.local_candidate for protocol in protocols]
    for protocol in protocols:
        if connection.stun_server is None:
            break
        try:
            async with asyncio.timeout(timeout):
                candidate, _ = await server_reflexive_candidate(protocol, connection.stun_server)
        except (OSError, TimeoutError, TransactionError):
            continue
        found.append(candidate)
    return found + cast(list[Candidate], await usual(connection, component, [], timeout))


async def _bind(
    connection: Connection, component: int, address: str, options: RtcOptions
) -> StunProtocol | None:
    loop = asyncio.get_running_loop()
    ports = range(options.min_port, options.max_port + 1)
    # At random: the peers before this one hold the first ports, and may just have left them.
    for port in random.sample(ports, len(ports)):
        try:
            _, protocol = await loop.create_datagram_endpoint(
                lambda: StunProtocol(connection), local_addr=(address, port)
            )
        except OSError:
            continue
        protocol.local_candidate = Candidate(
            foundation=candidate_foundation("host", "udp", address),
            component=component,
            transport="udp",
            priority=candidate_priority(component, "host"),
            host=address,
            port=port,
            type="host",
        )
        return protocol
    return None
