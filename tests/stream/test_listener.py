"""The listening socket: taken before anything starts, told as an address, closed at the end."""

from __future__ import annotations

import asyncio
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from stream.config import ServerConfig
from stream.errors import ConfigError
from stream.listener import bind, listens_beyond_loopback, overlay_url, serving
from tests.certificate import self_signed
from tests.doubles import DEADLINE_S


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with bind(ServerConfig(port=0)) as taken:
        yield taken


def port_of(taken: socket.socket) -> int:
    return int(taken.getsockname()[1])


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 and its key."""
    return self_signed(tmp_path_factory.mktemp("tls"))


# -- taking the address -------------------------------------------------------------------------


def test_port_0_takes_any_free_port(listener: socket.socket) -> None:
    assert port_of(listener) > 0
    assert listener.getsockname()[0] == "127.0.0.1"


def test_a_port_in_use_is_an_error_that_says_what_to_do(listener: socket.socket) -> None:
    with pytest.raises(ConfigError, match=r"choose another one, or 0 for any") as caught:
        bind(ServerConfig(port=port_of(listener)))
    assert caught.value.key == "--port"
    assert str(port_of(listener)) in caught.value.problem


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a..b", "x" * 70])
def test_a_host_that_is_no_address_is_an_error(host: str) -> None:
    with pytest.raises(ConfigError) as caught:
        bind(ServerConfig(host=host, port=0))
    assert caught.value.key == "--host"


def test_an_address_of_another_machine_cannot_be_listened_on() -> None:
    with pytest.raises(ConfigError, match="cannot be listened on"):
        bind(ServerConfig(host="192.0.2.1", port=0))


def test_a_port_can_be_taken_again_after_it_was_closed() -> None:
    with bind(ServerConfig(port=0)) as first:
        port = port_of(first)
    with bind(ServerConfig(port=port)) as again:
        assert port_of(again) == port


# -- telling the address ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("localhost", "localhost"),
        ("0.0.0.0", "127.0.0.1"),
        ("::", "[::1]"),
        ("::1", "[::1]"),
        ("[::1]", "[::1]"),
        ("192.168.1.7", "192.168.1.7"),
    ],
)
def test_the_pages_address_can_be_opened_on_this_machine(
    host: str, shown: str, listener: socket.socket
) -> None:
    url = overlay_url(ServerConfig(host=host), listener)
    assert url == f"http://{shown}:{port_of(listener)}/"


def test_the_token_stands_behind_the_hash_where_no_server_logs_it(
    listener: socket.socket,
) -> None:
    url = overlay_url(ServerConfig(token=SecretStr("s3cret")), listener)
    assert url.endswith("/#token=s3cret")


def test_a_token_from_a_file_is_not_printed(listener: socket.socket) -> None:
    mounted = ServerConfig(token=SecretStr("s3cret"), token_file=Path("mounted"))
    assert overlay_url(mounted, listener).endswith(f":{port_of(listener)}/")


def test_with_a_certificate_the_address_is_https(
    listener: socket.socket, pair: tuple[Path, Path]
) -> None:
    cert, key = pair
    assert overlay_url(ServerConfig(tls_cert=cert, tls_key=key), listener).startswith("https://")


@pytest.mark.parametrize(
    ("host", "beyond"), [("127.0.0.1", False), ("localhost", False), ("0.0.0.0", True)]
)
def test_it_knows_whether_other_machines_can_reach_it(host: str, beyond: bool) -> None:
    assert listens_beyond_loopback(ServerConfig(host=host)) is beyond


# -- certificates -------------------------------------------------------------------------------


def test_a_certificate_needs_its_key_and_a_key_its_certificate(pair: tuple[Path, Path]) -> None:
    cert, key = pair
    for config in (ServerConfig(port=0, tls_cert=cert), ServerConfig(port=0, tls_key=key)):
        with pytest.raises(ConfigError, match="both are needed"):
            bind(config)


@pytest.mark.parametrize("missing", ["--tls-cert", "--tls-key"])
def test_a_missing_tls_file_is_named(missing: str, pair: tuple[Path, Path], tmp_path: Path) -> None:
    cert, key = pair
    absent = tmp_path / "absent.pem"
    config = ServerConfig(
        port=0,
        tls_cert=absent if missing == "--tls-cert" else cert,
        tls_key=absent if missing == "--tls-key" else key,
    )
    with pytest.raises(ConfigError, match="no file") as caught:
        bind(config)
    assert caught.value.key == missing


def test_files_that_are_no_pair_are_refused_before_anything_starts(
    pair: tuple[Path, Path], tmp_path: Path
) -> None:
    cert, _ = pair
    (tmp_path / "key.pem").write_text("not a key")
    with pytest.raises(ConfigError, match="no pair"):
        bind(ServerConfig(port=0, tls_cert=cert, tls_key=tmp_path / "key.pem"))


def test_a_key_behind_a_passphrase_is_refused_and_nothing_is_asked(
    pair: tuple[Path, Path], tmp_path: Path
) -> None:
    cert, key = pair
    locked = tmp_path / "locked.pem"
    openssl = shutil.which("openssl")
    assert openssl
    command = [openssl, "ec", "-in", str(key), "-aes128", "-passout", "pass:x", "-out", str(locked)]
    subprocess.run(command, check=True, capture_output=True)
    with pytest.raises(ConfigError, match="no pair"):
        bind(ServerConfig(port=0, tls_cert=cert, tls_key=locked))


# -- serving ------------------------------------------------------------------------------------


def application() -> FastAPI:
    app = FastAPI()

    @app.get("/")
    async def here() -> str:
        return "here"

    @app.get("/slow")
    async def slow() -> str:
        await asyncio.sleep(60)
        return "late"

    return app


async def test_it_answers_from_entering_until_leaving() -> None:
    config = ServerConfig(port=0)
    listener = bind(config)
    url = overlay_url(config, listener)
    async with httpx.AsyncClient(timeout=DEADLINE_S) as client:
        async with serving(application(), config, listener):
            assert (await client.get(url)).json() == "here"
        with pytest.raises(httpx.TransportError):
            await client.get(url)


@pytest.mark.alone
async def test_leaving_gives_an_open_request_a_moment_and_no_more() -> None:
    config = ServerConfig(port=0)
    listener = bind(config)
    loop = asyncio.get_running_loop()
    async with httpx.AsyncClient(timeout=DEADLINE_S) as client:
        async with serving(application(), config, listener):
            asking = asyncio.create_task(client.get(overlay_url(config, listener) + "slow"))
            await asyncio.sleep(0.2)
            before_s = loop.time()
        assert loop.time() - before_s < 3.0
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)


async def test_with_a_certificate_it_speaks_tls(pair: tuple[Path, Path]) -> None:
    cert, key = pair
    config = ServerConfig(port=0, tls_cert=cert, tls_key=key)
    listener = bind(config)
    trust = ssl.create_default_context(cafile=str(cert))
    async with (
        serving(application(), config, listener),
        httpx.AsyncClient(verify=trust, timeout=DEADLINE_S) as client,
    ):
        assert (await client.get(overlay_url(config, listener))).json() == "here"
