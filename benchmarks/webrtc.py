"""How old evidence is that a WebRTC publisher sees, and what peers leave behind that come and go.

The server is in this process, its visitors in another: what is counted and weighed is the server's
alone, but both share the machine's cores. For the age, the network is slowed to five frames a
second against a sender of thirty. For the soak, visitors come three at a time and leave by hanging
up, by DELETE, or without a word; memory is read after every ten, when all have gone.
"""

from __future__ import annotations

import asyncio
import gc
import json
import threading
import time
from argparse import Namespace
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import psutil

from benchmarks.report import Report, Requirement, parser, percentiles
from benchmarks.rtc.visitors import visitors
from engines.base import Engine, Outputs
from stream.access import Access
from stream.config import Config, EngineConfig, ServerConfig
from stream.listener import bind, serving
from stream.memory import share_heaps
from stream.networks import Networks
from stream.rtc.connection import Connection
from stream.rtc.exchange import Exchange
from stream.rtc.options import RtcOptions
from stream.scoring.options import ScoringOptions
from stream.server import create_app
from stream.service import Service

AGE_MS: Final = 500.0
GROWTH_MB: Final = 5.0
SLOWED_S: Final = 0.2
COUNTED: Final = 10
"""Visitors between two readings of the memory, which may not grow over the last of them."""


@dataclass(frozen=True, slots=True)
class Place:
    """A running server."""

    service: Service
    exchange: Exchange
    base: str


class Slowed:
    """An engine that ends a call `SLOWED_S` after the one before, or later: so often is a frame
    analysed, with all that belongs to it.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._ended_s = time.monotonic()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def infer(self, batch: Any) -> Outputs:
        """As the engine, but slowly; in the inference thread."""
        outputs = self._engine.infer(batch)
        time.sleep(max(0.0, self._ended_s + SLOWED_S - time.monotonic()))
        self._ended_s = time.monotonic()
        return outputs


def main(arguments: Sequence[str]) -> int:
    """Run the benchmark; see `benchmarks.__main__` for the exit codes."""
    made = parser("webrtc", __doc__ or "")
    made.add_argument("--seconds", type=float, default=60.0, help="of the age (%(default)s)")
    made.add_argument("--peers", type=int, default=20, help="of the soak (%(default)s)")
    made.add_argument("--stay", type=float, default=15.0, help="seconds of a peer (%(default)s)")
    options = made.parse_args(arguments)
    share_heaps()  # as the program does
    report = Report("webrtc", {"seconds": options.seconds, "peers": options.peers})
    asyncio.run(_age(options, report))
    asyncio.run(_soak(options, report))
    return report.finish(options.json, options.check, options.markdown)


@asynccontextmanager
async def _place(options: Namespace, limits: RtcOptions, *, slowed: bool) -> AsyncIterator[Place]:
    every_frame = ScoringOptions(target_fps=30.0) if slowed else ScoringOptions()
    config = Config(
        server=ServerConfig(port=0),
        engine=EngineConfig(name=options.engine, device=options.device),
        scoring=every_frame,
        webrtc=limits,
    )
    async with AsyncExitStack() as stack:
        networks = stack.enter_context(Networks(config.engine))
        if slowed:
            networks.detector = Slowed(networks.detector)
        service = await stack.enter_async_context(Service(config, networks))
        access = Access(None)
        exchange = await stack.enter_async_context(Exchange(service, access, limits))
        listener = bind(config.server)
        app = create_app(service, access, exchange)
        await stack.enter_async_context(serving(app, config.server, listener))
        base = f"http://127.0.0.1:{listener.getsockname()[1]}"
        await service.run()  # nothing is configured: it is ready at once
        yield Place(service, exchange, base)


def _limits(**more: Any) -> RtcOptions:
    return RtcOptions(host_addresses=("127.0.0.1",), busy_age_ms=60_000, **more)


async def _age(options: Namespace, report: Report) -> None:
    async with _place(options, _limits(), slowed=True) as here:
        said = json.loads(await visitors("age", here.base, options.seconds))
    figures, health = percentiles(said["ages_ms"]), said["health"]
    report.show([{"evidence age (ms), 5 fps of 30": "seen by the sender"} | figures])
    report.figures |= {"age_ms": figures, "fps_scored": health["fps_scored"]}
    report.figures |= {"dropped": health["dropped"]}
    p99 = figures["p99"] if figures["p99"] is not None else float("nan")
    figure = "evidence age p99, ms"
    report.requirements.append(Requirement(figure, float(p99), AGE_MS, at_least=False))


async def _soak(options: Namespace, report: Report) -> None:
    limits = _limits(idle_timeout_s=3.0)
    threads, tasks = set(threading.enumerate()), len(asyncio.all_tasks())
    memory_mb: list[float] = []
    async with _place(options, limits, slowed=False) as here:
        for first in range(0, options.peers, COUNTED):
            count = min(COUNTED, options.peers - first)
            await visitors("soak", here.base, first, count, options.stay)
            await asyncio.sleep(2 * limits.idle_timeout_s)
            gc.collect()
            memory_mb.append(psutil.Process().memory_info().rss / 1e6)
        left = here.exchange.publishers + len(here.service.sessions)
    await asyncio.sleep(0.5)
    gc.collect()
    connections = sum(type(one) is Connection for one in gc.get_objects())
    fresh = [thread.name for thread in set(threading.enumerate()) - threads]
    row = {
        "peers that came and went": options.peers,
        "sessions left": left,
        "connections left": connections,
        "tasks left": len(asyncio.all_tasks()) - tasks,
        "threads left": sum(not name.startswith(("asyncio_", "AnyIO")) for name in fresh),
        "MB over the last ten": memory_mb[-1] - memory_mb[-min(2, len(memory_mb))],
    }
    report.show([row])
    report.figures |= {"soak": row, "memory_mb": memory_mb}
    for name in list(row)[1:5]:
        report.requirements.append(Requirement(name, float(row[name]), 0.0, at_least=False))
    growth = float(row["MB over the last ten"])
    report.requirements.append(Requirement("memory growth, MB", growth, GROWTH_MB, at_least=False))
