"""Pump: items to one WebSocket until they end or the client goes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from fastapi import WebSocket
from starlette.websockets import WebSocketDisconnect

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Farewell:
    """The code and the reason that a socket is closed with."""

    code: int
    reason: str


async def send_all(
    socket: WebSocket,
    items: AsyncIterable[T],
    send: Callable[[T], Awaitable[None]],
    farewell: Farewell,
) -> None:
    """Send `items` until they end or the client goes; a slow client holds up nobody else."""

    async def pump() -> None:
        async for item in items:
            await send(item)
        await socket.close(farewell.code, farewell.reason)

    sending = asyncio.create_task(pump())
    listening = asyncio.create_task(_until_gone(socket))
    try:
        await asyncio.wait([sending, listening], return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (sending, listening):
            task.cancel()
        outcomes = await asyncio.gather(sending, listening, return_exceptions=True)
    # Sending to a client that has just gone raises one of these; anything else is a bug.
    expected = (WebSocketDisconnect, RuntimeError, asyncio.CancelledError)
    for outcome in outcomes:
        if isinstance(outcome, BaseException) and not isinstance(outcome, expected):
            raise outcome


async def _until_gone(socket: WebSocket) -> None:
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass  # nothing that a client says is of interest here
