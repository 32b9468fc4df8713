"""A server for files on a free port of loopback, over the networks that ship."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import av
import httpx
import numpy as np
from PIL import Image
from pydantic import SecretStr

from stream.access import Access
from stream.config import Config, ServerConfig
from stream.files.options import FilesOptions
from stream.listener import bind, serving
from stream.networks import Networks
from stream.rtc.exchange import Exchange
from stream.server import create_app
from stream.service import Service
from stream.sources.demo import CLIP
from stream.types import Pixels
from tests.doubles import DEADLINE_S


@dataclass
class Site:
    """A running server."""

    service: Service
    client: httpx.AsyncClient
    port: int

    async def send(self, path: str, data: Any = None, **how: Any) -> httpx.Response:
        """Post a raw body, or what `how` says."""
        return await self.client.post(path, content=data, **how)


@asynccontextmanager
async def site(
    networks: Networks, *, token: str | None = None, **limits: Any
) -> AsyncIterator[Site]:
    """Serve files under `limits`."""
    server = ServerConfig(port=0, token=SecretStr(token) if token else None)
    config = Config(server=server, files=FilesOptions(**limits))
    async with AsyncExitStack() as stack:
        service = await stack.enter_async_context(Service(config, networks))
        access = Access(server.token)
        listener = bind(server)
        app = create_app(service, access, Exchange(service, access, config.webrtc))
        await stack.enter_async_context(serving(app, server, listener))
        port = listener.getsockname()[1]
        base = f"http://127.0.0.1:{port}"
        # No TLS here: loading the machine's certificates takes a tenth of a second.
        client = httpx.AsyncClient(base_url=base, timeout=4 * DEADLINE_S, verify=False)
        yield Site(service, await stack.enter_async_context(client), port)


@cache
def portrait() -> Pixels:
    """The demo's first picture."""
    with av.open(str(CLIP)) as container:
        pixels = next(container.decode(video=0)).to_ndarray(format="rgb24").astype(np.uint8)
    pixels.flags.writeable = False
    return pixels


def saved(pixels: Pixels, kind: str = "PNG", **how: Any) -> bytes:
    """A picture as a file."""
    made = io.BytesIO()
    Image.fromarray(pixels).save(made, kind, **how)
    return made.getvalue()


@cache
def clip(seconds: float = 2.0, container: str = "mp4", start_s: float = 0.0) -> bytes:
    """So many seconds of the demo as a file, not encoded anew; `start_s` is even: a keyframe's."""
    made = io.BytesIO()
    with av.open(str(CLIP)) as read, av.open(made, "w", format=container) as written:
        stream = read.streams.video[0]
        copied = written.add_stream_from_template(stream)
        for packet in read.demux(stream):
            at_s = (packet.pts or 0) * (stream.time_base or 0)
            if packet.dts is None or not start_s <= at_s < start_s + seconds:
                continue
            packet.stream = copied
            written.mux(packet)
    return made.getvalue()
