"""Visitors of a server in another process, so that what they cost is not taken for the server's.

``python -m benchmarks.rtc.visitors age URL SECONDS`` prints one JSON object: the ages of the
evidence that one publisher sees, and the stream's health. ``… soak URL FIRST COUNT STAY`` lets
visitors come three at a time and leave by hanging up, by DELETE, or without a word.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import av
import httpx

from benchmarks.rtc.peer import CameraPeer
from stream.rtc.options import RtcOptions
from stream.sources.demo import CLIP

LOOPBACK: Final = RtcOptions(host_addresses=("127.0.0.1",))
EVERY_S: Final = 0.05
FRAMES: Final = 60
AT_ONCE: Final = 3


async def visitors(*arguments: object) -> str:
    """Let visitors come from a process of their own; give what they print.

    Raises: RuntimeError when they fail. Cancelling ends them.
    """
    command = [sys.executable, "-m", "benchmarks.rtc.visitors", *map(str, arguments)]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdout=pipe)
    try:
        printed, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        raise RuntimeError(f"the visitors ended with {process.returncode}")
    return printed.decode()


async def _age(base: str, seconds: float) -> dict[str, Any]:
    """Ages taken every 50 ms by the sender's own clock, from when the newest picture that a score
    of which has come back was sent.
    """
    loop = asyncio.get_running_loop()
    async with _web(base) as http:
        peer = CameraPeer(_film(), LOOPBACK)
        await peer.publish(http, "cam")
        until_s, ages_ms, newest_s = loop.time() + seconds, [], None
        while loop.time() < until_s:
            await asyncio.sleep(EVERY_S)
            message = peer.last or {"faces": ()}
            if any(face["frame_probability_fake"] is not None for face in message["faces"]):
                newest_s = peer.film.sent_at_s(message["rtp_timestamp"]) or newest_s
            if newest_s is not None:
                ages_ms.append(1000 * (loop.time() - newest_s))
        (listed,) = (await http.get("/v1/streams")).json()["streams"]
        await peer.hang_up()
    return {"ages_ms": ages_ms, "health": listed["health"]}


async def _soak(base: str, first: int, count: int, stay_s: float) -> None:
    frames, room = _film(), asyncio.Semaphore(AT_ONCE)
    async with _web(base) as http, asyncio.TaskGroup() as group:

        async def visit(number: int) -> None:
            async with room:
                peer = CameraPeer(frames, LOOPBACK)
                await peer.publish(http, f"cam-{number}")
                await asyncio.sleep(stay_s)
                leave = (peer.hang_up, lambda: peer.delete(http), peer.vanish)
                await leave[number % 3]()

        for number in range(first, first + count):
            group.create_task(visit(number))


def _film() -> Sequence[av.VideoFrame]:
    """The demo's first pictures, decoded before anything is measured."""
    with av.open(str(CLIP)) as container:
        frames = [frame for frame, _ in zip(container.decode(video=0), range(FRAMES), strict=False)]
    shown = [frame.reformat(640, 480, "yuv420p") for frame in frames]
    return shown + shown[::-1]  # to and fro: where it began anew the face would leap


@asynccontextmanager
async def _web(base: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=base, timeout=60) as http:
        yield http


if __name__ == "__main__":
    wish, url, *numbers = sys.argv[1:]
    if wish == "age":
        print(json.dumps(asyncio.run(_age(url, float(numbers[0])))))
    else:
        asyncio.run(_soak(url, int(numbers[0]), int(numbers[1]), float(numbers[2])))
