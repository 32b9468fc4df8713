"""Watch live video for deepfakes: parse the command line, build, run, map errors to exit codes.

Exit codes: 0 done; 2 usage or configuration; 3 no source can run; 4 engine or weights unusable.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import socket
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from typing import Any, Final, get_args

from pydantic import SecretStr

from engines.errors import EngineError
from stream.access import Access, new_token
from stream.config import Config, EngineName, StreamConfig, load_config
from stream.errors import ConfigError, SinkError, SourceError
from stream.files import command
from stream.listener import bind, listens_beyond_loopback, overlay_url, serving
from stream.memory import share_heaps
from stream.networks import Networks, open_networks
from stream.rtc.exchange import Exchange
from stream.server import create_app
from stream.service import Service
from stream.sources import parse_sources

LOG: Final = logging.getLogger("deepfakestream")
KEYS: Final = {
    "engine": "engine.name",
    "device": "engine.device",
    "host": "server.host",
    "port": "server.port",
    "token": "server.token",
    "tls_cert": "server.tls_cert",
    "tls_key": "server.tls_key",
    "jsonl": "run.jsonl",
    "once": "run.once",
    "fast": "run.fast",
    "duration": "run.duration_s",
    "open_timeout": "source.open_timeout_s",
}
"""Option -> configuration key; only what was given overrides the file."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run until the sources end or a signal comes; give the exit code."""
    words = sys.argv[1:] if argv is None else list(argv)
    if words[:1] == ["analyze"]:
        return command.main(words[1:])
    arguments = _parser().parse_args(words)
    share_heaps()
    logging.basicConfig(
        level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s"
    )
    logging.getLogger("aioice").setLevel(logging.WARNING)  # it tells of each address that it tries
    try:
        config = _config(arguments)
        listener = bind(config.server) if config.run.serve else None
        with ExitStack() as opened:
            networks = open_networks(config.engine)
            for one in networks:
                opened.enter_context(one)
            asyncio.run(_run(config, networks, listener))
    except ConfigError as exc:
        return _fail(2, exc)
    except SourceError as exc:
        return _fail(3, exc)
    except EngineError as exc:
        return _fail(4, exc)
    except SinkError as exc:
        return _fail(2, exc)
    except KeyboardInterrupt:
        pass  # before the loop took the signal: nothing runs yet
    return 0


def _fail(code: int, exc: Exception) -> int:
    print(f"run_stream: {exc}", file=sys.stderr)  # noqa: T201  the one clear line
    return code


def _config(arguments: argparse.Namespace) -> Config:
    overrides: dict[str, Any] = {}
    for option, key in KEYS.items():
        if (value := getattr(arguments, option)) is not None:
            overrides[key] = value
    if arguments.no_serve:
        overrides["run.serve"] = False
    for text in arguments.set:
        key, separator, value = text.partition("=")
        if not separator:
            raise ConfigError("--set", f"{text!r} is not section.key=value")
        overrides[key.strip()] = value.strip()
    config = load_config(arguments.config, overrides)
    configured = [f"{item.id}={item.source.get_secret_value()}" for item in config.streams]
    words = arguments.source or configured
    # Without any the demo is shown, but for a file that says that there are none: they come later.
    none = not words and "streams" in config.model_fields_set
    named = [] if none else parse_sources(words, config.source.schemes)
    if none and not config.run.serve:
        raise ConfigError("streams", "there are none, and nothing is served that could add some")
    streams = tuple(StreamConfig(id=key, source=SecretStr(text)) for key, text in named)
    config = config.model_copy(update={"streams": streams})
    if config.run.serve and config.server.token is None and listens_beyond_loopback(config.server):
        server = config.server.model_copy(update={"token": new_token()})
        config = config.model_copy(update={"server": server})
    return config


async def _run(
    config: Config, networks: tuple[Networks, ...], listener: socket.socket | None
) -> None:
    async with AsyncExitStack() as stack:
        service = await stack.enter_async_context(Service(config, *networks))
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, service.stop)
        loop.add_signal_handler(signal.SIGHUP, service.renew)
        if listener is not None:
            access = Access(
                config.server.token,
                config.server.allowed_origins,
                publish_token=config.server.publish_token,
                metrics_token=config.server.metrics_token,
            )
            exchange = Exchange(service, access, config.webrtc)
            await stack.enter_async_context(exchange)
            app = create_app(service, access, exchange)
            await stack.enter_async_context(serving(app, config.server, listener))
            _say(config, f"Overlay: {overlay_url(config.server, listener)}")
        if config.run.duration_s is not None:
            loop.call_later(config.run.duration_s, service.stop)
        await service.run()


def _say(config: Config, line: str) -> None:
    # Standard output belongs to the JSON lines when they go there.
    print(line, file=sys.stderr if config.run.jsonl == "-" else sys.stdout, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="run_stream.py",
        description="Watch live video for deepfakes: track faces, score them, show the overlay.",
        epilog="SOURCE: demo, camera:N, camera:/dev/videoN, a URL (rtsp, rtsps, http, https, …) or "
        "a file; NAME=SOURCE names it. Without one: demo. `analyze FILE …` judges clips instead.",
    )
    add = parser.add_argument
    add("source", nargs="*", metavar="SOURCE", help="what to watch")
    add("--config", type=Path, metavar="FILE", help="TOML file with the same keys")
    add("--engine", choices=get_args(EngineName), help="runtime of the networks (auto)")
    add("--device", help="cpu (default), cuda:0 or cuda:0,cuda:1")
    add("--host", help="address to listen on (127.0.0.1)")
    add("--port", type=int, help="port to listen on, 0 for any (8080)")
    add("--token", help="token that clients must show; made up when listening beyond loopback")
    add("--tls-cert", metavar="FILE", help="certificate chain in PEM form")
    add("--tls-key", metavar="FILE", help="its private key")
    add("--jsonl", metavar="FILE|-", help="write each message as a JSON line")
    add("--no-serve", action="store_true", help="no page, no server")
    add("--once", action="store_true", default=None, help="end when every source has ended")
    add("--fast", action="store_true", default=None, help="read files without pacing")
    add("--duration", type=float, metavar="SECONDS", help="end after this time")
    add("--open-timeout", type=float, metavar="SECONDS", help="give up opening (10)")
    add("--set", action="append", default=[], metavar="SECTION.KEY=VALUE", help="any other key")
    return parser


if __name__ == "__main__":
    sys.exit(main())
