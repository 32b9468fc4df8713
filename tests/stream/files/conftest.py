"""One set of networks and one service without streams for the tests of a file."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from stream.config import Config, EngineConfig
from stream.networks import Networks
from stream.service import Service


@pytest.fixture(scope="module")
def networks() -> Iterator[Networks]:
    with Networks(EngineConfig(name="onnxruntime")) as opened:
        yield opened


@pytest.fixture
async def service(networks: Networks) -> AsyncIterator[Service]:
    async with Service(Config(), networks) as made:
        yield made
