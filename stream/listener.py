"""The listening socket, and the web server that lives on it while the streams run."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from fastapi import FastAPI

from stream.access import is_loopback
from stream.config import ServerConfig
from stream.errors import ConfigError


def bind(config: ServerConfig) -> socket.socket:
    """Take the configured address, so that a port in use is known before anything else starts.

    Raises: ConfigError when the address cannot be had, or TLS files are missing or wrong.
    """
    _check_tls(config)
    try:
        family, kind, _, _, address = socket.getaddrinfo(
            config.host.strip("[]"), config.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind)
    except (OSError, UnicodeError) as exc:
        raise ConfigError("--host", f"{config.host} is no address of this machine: {exc}") from exc
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(128)
    except OSError as exc:
        listener.close()
        problem = f"{config.host}:{config.port} cannot be listened on ({exc.strerror})"
        raise ConfigError("--port", f"{problem}; choose another one, or 0 for any") from exc
    return listener


def overlay_url(config: ServerConfig, listener: socket.socket) -> str:
    """The page's address, with the token where one is needed.

    Not with one from a file: the address is printed, and a container's output is kept in logs that
    more people read than the file.
    """
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(config.host, config.host)
    if ":" in host and not host.startswith("["):
        host = f"[{host}]"
    scheme = "https" if config.tls_cert else "http"
    shown = config.token if config.token_file is None else None
    token = f"#token={shown.get_secret_value()}" if shown else ""
    return f"{scheme}://{host}:{listener.getsockname()[1]}/{token}"


def listens_beyond_loopback(config: ServerConfig) -> bool:
    """Whether other machines can reach the server."""
    return not is_loopback(config.host)


@asynccontextmanager
async def serving(
    app: FastAPI, config: ServerConfig, listener: socket.socket
) -> AsyncIterator[None]:
    """Serve `app` on `listener` from entering, when it answers, until leaving.

    Leaving gives open requests a moment; the streams' sockets close by themselves when their
    stream ends.
    """
    server = _Server(
        uvicorn.Config(
            app,
            ws="websockets-sansio",
            ws_max_size=65536,
            ws_per_message_deflate=False,  # scores are small, pictures are JPEG
            lifespan="off",
            log_level="warning",
            access_log=False,
            server_header=False,
            ssl_certfile=config.tls_cert,
            ssl_keyfile=config.tls_key,
            timeout_graceful_shutdown=1,
        )
    )
    task = asyncio.create_task(server.serve([listener]), name="web-server")
    ready = asyncio.create_task(server.answering.wait())
    try:
        await asyncio.wait([task, ready], return_when=asyncio.FIRST_COMPLETED)
        yield
    finally:
        ready.cancel()
        server.should_exit = True
        await task


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers (the program has its own), saying when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.answering = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then say so."""
        await super().startup(sockets)
        self.answering.set()


def _check_tls(config: ServerConfig) -> None:
    if config.tls_cert is None and config.tls_key is None:
        return
    if config.tls_cert is None or config.tls_key is None:
        raise ConfigError("--tls-cert, --tls-key", "both are needed, or neither")
    for name, path in (("--tls-cert", config.tls_cert), ("--tls-key", config.tls_key)):
        if not path.is_file():
            raise ConfigError(name, f"there is no file {path}")
    try:
        # The empty password keeps OpenSSL from asking for one on the terminal.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(config.tls_cert, config.tls_key, password="")
    except (ssl.SSLError, OSError) as exc:
        raise ConfigError("--tls-cert, --tls-key", f"are no pair in PEM form ({exc})") from exc
