from __future__ import annotations

from collections.abc import Iterator

import pytest

from benchmarks.rtsp.rig import RtspServer, missing
from tests.stream.sources.web import WebCamera, web_camera


@pytest.fixture
def rtsp() -> Iterator[RtspServer]:
    """A real RTSP server of the test's own, which it may kill or freeze."""
    if reason := missing():
        pytest.skip(reason)
    with RtspServer() as server:
        yield server


@pytest.fixture
def web() -> Iterator[WebCamera]:
    """A web server that plays camera."""
    with web_camera() as server:
        yield server
