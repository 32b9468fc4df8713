"""Peers that are too many, too quick, or gone without a word: short versions of the soak."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from dataclasses import replace

import numpy as np
import pytest

from engines.base import Outputs
from stream.rtc.connection import Connection
from stream.scoring.options import ScoringOptions
from tests.doubles import ScriptedEngine, eventually
from tests.stream.rtc.peers import LOOPBACK, publishing, server

EVERY_S = 0.05
SECONDS = 6.0
"""The same for a minute: `python -m benchmarks webrtc`."""


@pytest.mark.alone
async def test_a_slow_analysis_of_a_quick_sender_never_shows_old_evidence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    usual, ended_s = ScriptedEngine.infer, time.monotonic()

    def slow(self: ScriptedEngine, batch: object) -> Outputs:
        nonlocal ended_s
        time.sleep(max(0.0, ended_s + 0.2 - time.monotonic()))  # five a second, of thirty
        ended_s = time.monotonic()
        return usual(self, batch)  # type: ignore[arg-type]

    monkeypatch.setattr(ScriptedEngine, "infer", slow)
    every_frame = ScoringOptions(target_fps=30.0)
    async with server(scoring=every_frame) as here, publishing(here) as camera:
        while not (await camera.heard("scores"))["health"]["evidence_age_ms"]:
            pass
        session = here.service.sessions["cam"]
        ages_ms = []
        for _ in range(int(SECONDS / EVERY_S)):
            await asyncio.sleep(EVERY_S)
            ages_ms.append(session.health().evidence_age_ms or 0.0)
        scored, dropped = session.health().fps_scored, session.health().dropped
    assert scored < 6
    assert dropped > 10 * SECONDS
    # The stated deadline is 500 ms, of which a test takes three times.
    assert np.percentile(ages_ms, 99) <= 3 * 500


async def test_peers_that_come_and_go_leave_nothing_behind() -> None:
    threads, tasks, before = set(threading.enumerate()), asyncio.all_tasks(), connections()
    async with server(replace(LOOPBACK, idle_timeout_s=3.0, max_publishers=8)) as here:

        async def visit(number: int) -> None:
            async with publishing(here, f"cam-{number}") as camera:
                await camera.heard("scores")
                if number % 3 == 0:
                    await camera.vanish()
                elif number % 3 == 1:
                    await here.ask("DELETE", camera.location)

        for begin in range(0, 6, 2):
            await asyncio.gather(visit(begin), visit(begin + 1))
        await eventually(lambda: here.exchange.publishers == 0)
        assert not here.service.sessions
        metrics = (await here.ask("GET", "/metrics")).text
        assert "cam-" not in metrics
    await eventually(lambda: not asyncio.all_tasks() - tasks)
    left = {thread.name for thread in set(threading.enumerate()) - threads}
    assert not {name for name in left if not name.startswith(("asyncio_", "AnyIO"))}
    await eventually(lambda: not connections() - before)


def connections() -> set[int]:
    gc.collect()
    return {id(one) for one in gc.get_objects() if type(one) is Connection}
