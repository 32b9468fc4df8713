"""Channels: the data channels that one peer opens, and what is sent through each."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from aiortc import RTCDataChannel
from aiortc.exceptions import InvalidStateError

from stream.session import Session

LOG: Final = logging.getLogger("deepfakestream")
MOST: Final = 4
MOST_BUFFERED: Final = 65_536
"""Bytes that may wait for a peer whose line is too thin; what comes meanwhile is left out, so that
what it gets is never old."""

Pump = Callable[[RTCDataChannel], Awaitable[None]]


class Channels:
    """Serves the channels whose labels are in `pumps`, and at most `MOST` of them.

    `open` is called by the connection; `close` ends all and awaits their end.
    """

    def __init__(self, pumps: dict[str, Pump]) -> None:
        self._pumps = pumps
        self._tasks: set[asyncio.Task[None]] = set()

    def open(self, channel: RTCDataChannel) -> None:
        """Begin to serve `channel`, or close it where nothing is known by its label."""
        pump = self._pumps.get(channel.label)
        if pump is None or len(self._tasks) >= MOST:
            channel.close()
            return
        task = asyncio.create_task(self._serve(pump, channel), name=f"channel-{channel.label}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """End every channel's task."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    @staticmethod
    async def _serve(pump: Pump, channel: RTCDataChannel) -> None:
        try:
            await pump(channel)
        except Exception:  # a task's edge: one channel's fault must not end the peer
            LOG.exception("a data channel ended by a fault in the program: please report it")


def scores(session: Session) -> Pump:
    """Sends the stream's overlay messages, with heat maps where the channel's protocol is
    ``heatmap``: the same as over the WebSocket.
    """

    async def pump(channel: RTCDataChannel) -> None:
        with session.subscribe("channel") as messages:
            async for message in messages:
                text = message.to_json(heatmap=channel.protocol == "heatmap")
                if send(channel, text):
                    session.sent(message)
                elif channel.readyState != "open":
                    return

    return pump


def send(channel: RTCDataChannel, text: str) -> bool:
    """Send `text` unless the channel is closed, or has more to send than it can."""
    if channel.readyState != "open" or channel.bufferedAmount > MOST_BUFFERED:
        return False
    try:
        channel.send(text)
    except (InvalidStateError, ConnectionError):
        return False
    return True
