"""A connection that is relayed by coturn, on loopback."""

from __future__ import annotations

import asyncio
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from stream.rtc.options import RtcOptions
from tests.doubles import DEADLINE_S
from tests.stream.rtc.peers import LOOPBACK, client, film, server

pytestmark = pytest.mark.skipif(shutil.which("turnserver") is None, reason="needs coturn")


@asynccontextmanager
async def relay(folder: Path) -> AsyncIterator[str]:
    """coturn on a free port of loopback; its address."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        "turnserver", "-n", "--lt-cred-mech", "--user=me:secret", "--realm=test",
        f"--listening-port={port}", "--listening-ip=127.0.0.1", "--relay-ip=127.0.0.1",
        "--allow-loopback-peers", "--cli-password=none", "--no-tls", "--no-dtls", "--no-cli",
        "--no-stdout-log", f"--userdb={folder / 'users'}", f"--pidfile={folder / 'pid'}",
        f"--log-file={folder / 'log'}",
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        async with asyncio.timeout(DEADLINE_S):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                except OSError:
                    assert process.returncode is None, "coturn ended at once"
                    await asyncio.sleep(0.05)
                    continue
                writer.close()
                break
        yield f"turn:127.0.0.1:{port}"
    finally:
        process.terminate()
        await process.wait()


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_a_publisher_is_reached_through_the_relay_alone(
    transport: str, tmp_path: Path
) -> None:
    async with relay(tmp_path) as url:
        options: RtcOptions = replace(
            LOOPBACK,
            ice_urls=(f"{url}?transport={transport}",),
            turn_username="me",
            turn_password=SecretStr("secret"),
            relay_only=True,
        )
        async with server(options) as here, client() as one:
            film(one)
            one.open("scores")
            response = await here.offer("/v1/whip/cam", await one.offer())
            await one.take(response)
            kinds = [
                line.split()[7]
                for line in response.text.splitlines()
                if line.startswith("a=candidate")
            ]
            assert set(kinds) == {"relay"}
            assert 'credential="secret"' in response.headers["link"]
            assert (await one.heard("scores"))["stream_id"] == "cam"
