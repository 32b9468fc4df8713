"""A connection that is closed while it is being made."""

from __future__ import annotations

import asyncio
import gc
import threading
from typing import Any

import pytest
from aiortc import RTCSessionDescription

from stream.rtc import ice
from stream.rtc.connection import Connection
from tests.doubles import DEADLINE_S, eventually
from tests.stream.rtc.peers import LOOPBACK, client, film


async def reached(connection: Connection, state: str) -> None:
    """Wait until ICE or DTLS of the video is in `state`."""
    dtls = connection.getTransceivers()[0].receiver.transport
    there = asyncio.Event()
    for transport in (dtls, dtls.transport):
        transport.on("statechange", lambda: there.set() if state in states(connection) else None)
    if state not in states(connection):
        await asyncio.wait_for(there.wait(), DEADLINE_S)


def states(connection: Connection) -> set[str]:
    dtls = connection.getTransceivers()[0].receiver.transport
    return {dtls.state, dtls.transport.state}


@pytest.mark.parametrize("state", ["checking", "connecting", "connected"])
@pytest.mark.parametrize("which", ["caller", "answerer"])
async def test_it_leaves_no_fault_and_no_task_behind(state: str, which: str) -> None:
    faults: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, fault: faults.append(fault))
    tasks = asyncio.all_tasks()
    async with client() as one, client() as other:
        film(one)
        one.open("scores")
        offer = RTCSessionDescription(await one.offer(), "offer")
        await other.connection.setRemoteDescription(offer)
        ice.steer(other.connection, LOOPBACK)
        await other.connection.setLocalDescription(await other.connection.createAnswer())
        await one.answered(other.connection.localDescription.sdp)
        leaver = (one if which == "caller" else other).connection
        await reached(leaver, state)
        await leaver.close()
        await leaver.close()
    await eventually(lambda: not asyncio.all_tasks() - tasks)
    await eventually(lambda: "video-decoder" not in {one.name for one in threading.enumerate()})
    gc.collect()
    assert not faults
