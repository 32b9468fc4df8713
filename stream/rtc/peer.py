"""Peer: one peer connection, from its offer until it has gone, whichever way it goes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, Literal

from aiortc import RTCDataChannel, RTCRtpTransceiver, RTCSessionDescription
from aiortc.sdp import candidate_from_sdp

from stream.refusals import BadOffer
from stream.rtc import ice
from stream.rtc.connection import Connection
from stream.rtc.offer import MOST_CANDIDATES, Offer
from stream.rtc.options import RtcOptions

ANSWER_TIMEOUT_S: Final = 10.0
"""For gathering: a STUN or TURN server that does not answer is given up by aioice after 5 s."""
CONNECT_TIMEOUT_S: Final = 15.0
CLOSE_TIMEOUT_S: Final = 3.0

Channels = Callable[[RTCDataChannel], None]
Direction = Literal["recvonly", "sendonly"]


class Peer:
    """The server's end of one connection; on the event loop.

    `answer` first; then `gone` resolves when the other side has closed, failed, or, as ICE's
    consent (RFC 7675) tells after at most half a minute, vanished. `close` frees everything and
    may be called at any time, more than once.
    """

    def __init__(self, options: RtcOptions) -> None:
        self._options = options
        self._connection = Connection(ice.configuration(options))
        self._candidates = 0
        self._gone = asyncio.Event()
        self._connected = asyncio.Event()
        self._connection.on("connectionstatechange", self._follow)

    @property
    def connected(self) -> bool:
        """Whether media flows."""
        return self._connection.connectionState == "connected"

    def on_channel(self, opened: Channels) -> None:
        """Let `opened` know each data channel that the other side opens."""
        self._connection.on("datachannel", opened)

    async def answer(
        self,
        offer: Offer,
        direction: Direction,
        prepare: Callable[[RTCRtpTransceiver], None],
    ) -> str:
        """Take the offer's video in `direction`, and nothing else; the SDP of the answer.

        `prepare` gets the video's transceiver before anything flows.

        Raises: BadOffer when aiortc cannot take it after all.
        """
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                return await self._answer(offer, direction, prepare)
        except Exception as exc:  # aiortc tells a broken offer by whatever breaks in it
            raise BadOffer("the offer cannot be answered: it contradicts itself") from exc

    async def _answer(
        self, offer: Offer, direction: Direction, prepare: Callable[[RTCRtpTransceiver], None]
    ) -> str:
        connection = self._connection
        await connection.setRemoteDescription(RTCSessionDescription(offer.sdp, "offer"))
        for transceiver in connection.getTransceivers():
            chosen = transceiver.mid == offer.video_mid
            transceiver.direction = direction if chosen else "inactive"
            if chosen:
                prepare(transceiver)
        ice.steer(connection, self._options)
        await connection.setLocalDescription(await connection.createAnswer())
        return ice.as_seen(connection.localDescription.sdp, self._options)

    async def add_candidates(self, lines: list[str], offer: Offer) -> None:
        """Try these of the other side's addresses, too.

        Raises: BadOffer when there are too many in all.
        """
        self._candidates += len(lines)
        if self._candidates > MOST_CANDIDATES:
            raise BadOffer(f"at most {MOST_CANDIDATES} candidates may follow the offer")
        for line in lines:
            candidate = candidate_from_sdp(line)
            candidate.sdpMid = offer.video_mid
            await self._connection.addIceCandidate(candidate)

    async def gone(self) -> None:
        """Wait until the other side has gone, or has not come within `CONNECT_TIMEOUT_S`."""
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                await self._connected.wait()
        except TimeoutError:
            return
        await self._gone.wait()

    async def close(self) -> None:
        """End the connection and free its sockets, tasks and threads."""
        closing = asyncio.ensure_future(self._connection.close())
        await asyncio.wait([closing], timeout=CLOSE_TIMEOUT_S)
        self._gone.set()

    def _follow(self) -> None:
        state = self._connection.connectionState
        if state in {"connected", "failed", "closed"}:
            self._connected.set()
        if state in {"failed", "closed"}:
            self._gone.set()


async def first_of(*waits: Awaitable[None]) -> None:
    """Wait until one of them is done, and end the others.

    Raises: what the first to fail raises. Cancelling ends all of them.
    """
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
