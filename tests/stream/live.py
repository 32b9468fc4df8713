"""A running service over scripted sources, served on a free port of loopback."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

import httpx
import pytest
from pydantic import SecretStr
from websockets.asyncio.client import connect

import stream.service
from stream.access import Access
from stream.config import Config, RunConfig, ServerConfig, SourceConfig, StreamConfig
from stream.listener import bind, serving
from stream.networks import Networks
from stream.rtc.exchange import Exchange
from stream.rtc.options import RtcOptions
from stream.server import create_app
from stream.service import Service
from stream.sources.base import SourceOptions
from tests.doubles import (
    DEADLINE_S,
    ScriptedNetworks,
    ScriptedSource,
    eventually,
    plays_on,
    silent,
)


@dataclass
class Site:
    service: Service
    exchange: Exchange
    opened: list[SourceOptions]
    client: httpx.AsyncClient

    async def ask(self, method: str, path: str = "", **how: Any) -> httpx.Response:
        return await self.client.request(method, f"/v1/streams{path}", **how)

    async def add(self, **wanted: Any) -> httpx.Response:
        return await self.ask("POST", json=wanted)

    def viewer(self, stream_id: str) -> connect:
        place = self.client.base_url.copy_with(scheme="ws")
        return connect(f"{place}v1/streams/{stream_id}/scores", open_timeout=DEADLINE_S)


@asynccontextmanager
async def site(
    monkeypatch: pytest.MonkeyPatch,
    *,
    sources: tuple[str, ...] = (),
    token: str | None = None,
    **source: Any,
) -> AsyncIterator[Site]:
    """A service over scripted sources, run and served on a free port."""
    opened: list[SourceOptions] = []

    def open_one(text: str, options: SourceOptions, schemes: tuple[str, ...]) -> ScriptedSource:
        opened.append(options)
        return ScriptedSource(silent if "silent" in text else plays_on(), live=True)

    monkeypatch.setattr(stream.service, "open_source", open_one)
    streams = tuple(StreamConfig(id=name, source=SecretStr(name)) for name in sources)
    config = Config(
        streams=streams,
        run=RunConfig(serve=True),
        server=ServerConfig(port=0, token=SecretStr(token) if token else None),
        source=SourceConfig(**source),
    )
    access = Access(config.server.token)
    async with Service(config, cast(Networks, ScriptedNetworks())) as service:
        listener = bind(config.server)
        async with Exchange(service, access, RtcOptions()) as exchange:
            app = create_app(service, access, exchange)
            async with serving(app, config.server, listener):
                running = asyncio.create_task(service.run())
                await eventually(lambda: service.ready)
                base = f"http://127.0.0.1:{listener.getsockname()[1]}/"
                # No TLS here: loading the machine's certificates takes a tenth of a second.
                async with httpx.AsyncClient(
                    base_url=base, timeout=DEADLINE_S, verify=False
                ) as client:
                    yield Site(service, exchange, opened, client)
                service.stop()
                await asyncio.wait_for(running, DEADLINE_S)
