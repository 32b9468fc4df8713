"""How old evidence is that a WebRTC publisher sees, and what peers leave behind that come and go.

Server and peers share this process and its cores: what a peer costs to play is measured with it.
For the age, the network is slowed to five frames a second against a sender of thirty, and the age
is taken every 50 ms by the sender's own clock, from when the newest picture that a score of which
has come back was sent. For the soak, visitors come one after the other, three at a time, and
leave by hanging up, by DELETE, or without a word.
"""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from argparse import Namespace
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import av
import httpx
import psutil

from benchmarks.report import Report, Requirement, parser, percentiles, table
from benchmarks.rtc.peer import CameraPeer
from engines.base import Engine, Outputs
from stream.access import Access
from stream.config import Config, EngineConfig, ServerConfig
from stream.listener import bind, serving
from stream.networks import Networks
from stream.rtc.connection import Connection
from stream.rtc.exchange import Exchange
from stream.rtc.options import RtcOptions
from stream.scoring.options import ScoringOptions
from stream.server import create_app
from stream.service import Service
from stream.sources.demo import CLIP

AGE_MS: Final = 500.0
GROWTH_MB: Final = 5.0
EVERY_S: Final = 0.05
SLOWED_S: Final = 0.2
FRAMES: Final = 60
AT_ONCE: Final = 3
COUNTED: Final = 10
"""The last visitors, over which memory may not grow."""


@dataclass(frozen=True, slots=True)
class Place:
    """A running server."""

    service: Service
    exchange: Exchange
    http: httpx.AsyncClient


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
    report = Report("webrtc", {"seconds": options.seconds, "peers": options.peers})
    frames = _film()
    asyncio.run(_age(options, frames, report))
    asyncio.run(_soak(options, frames, report))
    return report.finish(options.json, options.check)


def _film() -> list[av.VideoFrame]:
    """The demo's first pictures, decoded before anything is measured."""
    with av.open(str(CLIP)) as container:
        frames = [frame for frame, _ in zip(container.decode(video=0), range(FRAMES), strict=False)]
    shown = [frame.reformat(640, 480, "yuv420p") for frame in frames]
    return shown + shown[::-1]  # to and fro: where it began anew the face would leap


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
        http = await stack.enter_async_context(httpx.AsyncClient(base_url=base, timeout=60))
        await service.run()  # nothing is configured: it is ready at once
        yield Place(service, exchange, http)


def _limits(**more: Any) -> RtcOptions:
    return RtcOptions(host_addresses=("127.0.0.1",), busy_age_ms=60_000, **more)


async def _age(options: Namespace, frames: Sequence[av.VideoFrame], report: Report) -> None:
    loop = asyncio.get_running_loop()
    limits = _limits()
    async with _place(options, limits, slowed=True) as here:
        peer = CameraPeer(frames, limits)
        await peer.publish(here.http, "cam")
        until_s, ages_ms, newest_s = loop.time() + options.seconds, [], None
        while loop.time() < until_s:
            await asyncio.sleep(EVERY_S)
            message = peer.last or {"faces": ()}
            if any(face["frame_probability_fake"] is not None for face in message["faces"]):
                newest_s = peer.film.sent_at_s(message["rtp_timestamp"]) or newest_s
            if newest_s is not None:
                ages_ms.append(1000 * (loop.time() - newest_s))
        health = here.service.sessions["cam"].health()
        await peer.hang_up()
    figures = percentiles(ages_ms)
    print(table([{"evidence age (ms), 5 fps of 30": "seen by the sender"} | figures]))
    report.figures |= {"age_ms": figures, "fps_scored": health.fps_scored}
    report.figures |= {"dropped": health.dropped}
    p99 = figures["p99"] if figures["p99"] is not None else float("nan")
    figure = "evidence age p99, ms"
    report.requirements.append(Requirement(figure, float(p99), AGE_MS, at_least=False))


async def _soak(options: Namespace, frames: Sequence[av.VideoFrame], report: Report) -> None:
    limits = _limits(idle_timeout_s=3.0)
    threads, tasks = threading.active_count(), len(asyncio.all_tasks())
    memory_mb: list[float] = []
    room = asyncio.Semaphore(AT_ONCE)
    async with _place(options, limits, slowed=False) as here:

        async def visit(number: int) -> None:
            async with room:
                peer = CameraPeer(frames, limits)
                await peer.publish(here.http, f"cam-{number}")
                await asyncio.sleep(options.stay)
                leave = (peer.hang_up, lambda: peer.delete(here.http), peer.vanish)
                await leave[number % 3]()
            gc.collect()
            memory_mb.append(psutil.Process().memory_info().rss / 1e6)

        async with asyncio.TaskGroup() as group:
            for number in range(options.peers):
                group.create_task(visit(number))
        await asyncio.sleep(2 * limits.idle_timeout_s)
        left = here.exchange.publishers + len(here.service.sessions)
    await asyncio.sleep(0.5)
    gc.collect()
    connections = sum(type(one) is Connection for one in gc.get_objects())
    pool = sum(t.name.startswith(("asyncio_", "AnyIO")) for t in threading.enumerate())
    row = {
        "peers that came and went": options.peers,
        "sessions left": left,
        "connections left": connections,
        "tasks left": len(asyncio.all_tasks()) - tasks,
        "threads left": threading.active_count() - pool - threads,
        "MB over the last ten": memory_mb[-1] - memory_mb[-min(COUNTED, len(memory_mb))],
    }
    print(table([row]))
    report.figures |= {"soak": row, "memory_mb": memory_mb}
    for name in list(row)[1:5]:
        report.requirements.append(Requirement(name, float(row[name]), 0.0, at_least=False))
    growth = float(row["MB over the last ten"])
    report.requirements.append(Requirement("memory growth, MB", growth, GROWTH_MB, at_least=False))
