"""Peers of the tests: a server on a real socket, and aiortc on the other side of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final, cast
from urllib.parse import urljoin, urlsplit

import av
import httpx
from aiortc import (
    RTCDataChannel,
    RTCRtpSender,
    RTCSessionDescription,
    VideoStreamTrack,
)
from pydantic import SecretStr

from stream.access import Access
from stream.config import Config, RunConfig, ServerConfig, StreamConfig
from stream.listener import bind, serving
from stream.networks import Networks
from stream.rtc import ice
from stream.rtc.connection import Connection
from stream.rtc.exchange import Exchange
from stream.rtc.options import RtcOptions
from stream.scoring.options import ScoringOptions
from stream.server import create_app
from stream.service import Service
from tests import builders
from tests.doubles import DEADLINE_S, ScriptedEngine, ScriptedNetworks
from tests.stream.sources.clips import picture

LOOPBACK: Final = RtcOptions(host_addresses=("127.0.0.1",), busy_age_ms=60_000)
SDP: Final = {"Content-Type": "application/sdp"}


class OneFace:
    """A cascade that finds one face in every picture."""

    def detect(self, pixels: Any) -> list[Any]:
        return [builders.detection()]

    def refine(self, pixels: Any, boxes: Any) -> list[Any]:
        return [builders.detection() for _ in boxes]


class FaceNetworks(ScriptedNetworks):
    """Scripted networks; `engine` is the detector that all streams share."""

    def cascade(self, options: Any, pause: Any) -> OneFace:
        return OneFace()


@dataclass
class Server:
    """A running server."""

    service: Service
    exchange: Exchange
    access: Access
    engine: ScriptedEngine
    port: int

    @property
    def base(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def ask(self, method: str, path: str, token: str = "", **how: Any) -> httpx.Response:
        headers = {**({"Authorization": f"Bearer {token}"} if token else {})}
        headers |= how.pop("headers", {})
        # No TLS here: loading the machine's certificates takes a tenth of a second.
        async with httpx.AsyncClient(base_url=f"http://{self.base}", verify=False) as client:
            return await client.request(method, path, headers=headers, timeout=DEADLINE_S, **how)

    async def offer(self, path: str, sdp: str, token: str = "") -> httpx.Response:
        return await self.ask("POST", path, token, content=sdp, headers=SDP)


@asynccontextmanager
async def server(
    options: RtcOptions = LOOPBACK,
    *,
    token: str | None = None,
    publish_token: str | None = None,
    allowed_origins: tuple[str, ...] = (),
    streams: tuple[str, ...] = (),
    scoring: ScoringOptions | None = None,
) -> AsyncIterator[Server]:
    """Serve on a free port of loopback; `streams` are SOURCEs that the test has scripted."""
    secret = SecretStr(token) if token else None
    config = Config(
        streams=tuple(StreamConfig(id=name, source=SecretStr(name)) for name in streams),
        server=ServerConfig(port=0, token=secret),
        run=RunConfig(serve=True),
        webrtc=options,
        scoring=scoring or ScoringOptions(),
    )
    networks = FaceNetworks()
    async with AsyncExitStack() as stack:
        service = await stack.enter_async_context(Service(config, cast(Networks, networks)))
        publishing = SecretStr(publish_token) if publish_token else None
        access = Access(secret, allowed_origins, publish_token=publishing)
        exchange = await stack.enter_async_context(Exchange(service, access, options))
        listener = bind(config.server)
        app = create_app(service, access, exchange)
        await stack.enter_async_context(serving(app, config.server, listener))
        running = asyncio.create_task(service.run())
        try:
            yield Server(service, exchange, access, networks.detector, listener.getsockname()[1])
        finally:
            service.stop()
            async with asyncio.timeout(DEADLINE_S):
                await running


class Pictures(VideoStreamTrack):
    """A moving picture, 30 a second."""

    def __init__(self, width: int = 320, height: int = 240) -> None:
        super().__init__()
        self._size = (width, height)
        self.sent = 0

    async def recv(self) -> av.VideoFrame:
        pts, time_base = await self.next_timestamp()
        frame = av.VideoFrame.from_ndarray(picture(self.sent, *self._size), format="rgb24")
        frame.pts, frame.time_base = pts, time_base
        self.sent += 1
        return frame


def location(response: httpx.Response) -> str:
    """Where a session is that was begun, as an absolute path."""
    return urlsplit(urljoin(str(response.url), response.headers["location"])).path


@dataclass
class Client:
    """The other side of a connection."""

    connection: Connection
    response: httpx.Response | None = None
    channels: dict[str, asyncio.Queue[dict[str, Any]]] = field(default_factory=dict)

    @property
    def location(self) -> str:
        assert self.response is not None
        return location(self.response)

    @property
    def viewer_token(self) -> str:
        assert self.response is not None
        return self.response.headers["deepfakestream-viewer-token"]

    def open(self, label: str, protocol: str = "") -> RTCDataChannel:
        heard = self.channels[label] = asyncio.Queue(1000)
        channel = self.connection.createDataChannel(
            label, ordered=False, maxRetransmits=0, protocol=protocol
        )
        channel.on("message", lambda text: heard.put_nowait(json.loads(text)))
        return channel

    async def heard(self, label: str) -> dict[str, Any]:
        return await asyncio.wait_for(self.channels[label].get(), DEADLINE_S)

    async def offer(self, options: RtcOptions = LOOPBACK) -> str:
        ice.steer(self.connection, options)
        await self.connection.setLocalDescription(await self.connection.createOffer())
        return self.connection.localDescription.sdp

    async def take(self, response: httpx.Response) -> None:
        assert response.status_code == 201, response.text
        self.response = response
        await self.answered(response.text)

    async def answered(self, sdp: str) -> None:
        await self.connection.setRemoteDescription(RTCSessionDescription(sdp, "answer"))

    async def vanish(self) -> None:
        """Go without a goodbye: no DTLS close, no RTCP BYE, just silence."""
        for transceiver in self.connection.getTransceivers():
            transport = transceiver.receiver.transport.transport
            await transport.stop()


@asynccontextmanager
async def client(options: RtcOptions = LOOPBACK) -> AsyncIterator[Client]:
    """A peer connection that is closed at the end."""
    one = Client(Connection(ice.configuration(options)))
    try:
        yield one
    finally:
        await one.connection.close()


def film(one: Client, codec: str = "VP8", track: Pictures | None = None) -> Pictures:
    """Let a client send pictures, coded by `codec`."""
    track = track or Pictures()
    transceiver = one.connection.addTransceiver(track, "sendonly")
    known = RTCRtpSender.getCapabilities("video").codecs
    wanted = [each for each in known if each.name in {codec, "rtx"}]
    transceiver.setCodecPreferences(wanted)
    return track


@asynccontextmanager
async def publishing(
    here: Server, stream_id: str = "cam", *, codec: str = "VP8", token: str = "", **how: Any
) -> AsyncIterator[Client]:
    """A client that publishes `stream_id` and hears its scores."""
    async with client() as one:
        film(one, codec, **how)
        one.open("scores")
        await one.take(await here.offer(f"/v1/whip/{stream_id}", await one.offer(), token))
        yield one


async def an_offer() -> str:
    """What a publisher offers."""
    async with client() as one:
        film(one)
        return await one.offer()
