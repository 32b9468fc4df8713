"""CameraPeer: a browser's part, played by aiortc, that knows when it sent which picture."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urljoin

import av
import httpx
from aiortc import RTCRtpSender, RTCSessionDescription, VideoStreamTrack
from aiortc.codecs import vpx

from stream.rtc import ice
from stream.rtc.connection import Connection
from stream.rtc.options import RtcOptions

_RTP_TIMESTAMP: Final = "_RTCRtpSender__rtp_timestamp"
_WRAP: Final = 1 << 32
_NEAR: Final = 90
"""Ticks by which the timestamps of one picture may differ: 1 ms."""
_REMEMBERED: Final = 600
"""Pictures whose sending time is known: 20 s."""
_BIT_RATE: Final = 1_500_000
"""Near what browsers send of 640×480 px, and aiortc's most. At its usual 500 kbit/s many pictures
are so coarse that the program does not score them: the age of evidence would tell their number.
"""


class Film(VideoStreamTrack):
    """Pictures of a film, 30 a second, over and over. `sent_at_s` is by the loop's clock, before a
    picture is coded; it is found by RTP timestamp.
    """

    def __init__(self, frames: Sequence[av.VideoFrame]) -> None:
        super().__init__()
        self.sender: RTCRtpSender | None = None
        self._frames = frames
        self._number = 0
        self._origin: int | None = None
        self._sent: deque[tuple[int, float]] = deque(maxlen=_REMEMBERED)

    async def recv(self) -> av.VideoFrame:
        """The next picture, when it is due."""
        if self._origin is None and self._sent and self.sender is not None:
            # aiortc asks for a picture once the one before is out, with its timestamp kept.
            self._origin = getattr(self.sender, _RTP_TIMESTAMP) - self._sent[-1][0]
        pts, time_base = await self.next_timestamp()
        frame = self._frames[self._number % len(self._frames)]
        frame.pts, frame.time_base = pts, time_base
        self._sent.append((pts, asyncio.get_running_loop().time()))
        self._number += 1
        return frame

    def sent_at_s(self, rtp_timestamp: int) -> float | None:
        """When the picture of `rtp_timestamp` was sent; None if that is not known (any more)."""
        if self._origin is None:
            return None
        wanted = rtp_timestamp - self._origin
        # The encoder's clock is another one, and a tick is lost on the way.
        near = (at_s for pts, at_s in self._sent if (wanted - pts + _NEAR) % _WRAP <= 2 * _NEAR)
        return next(near, None)


class CameraPeer:
    """One visitor: `publish`, read `last` as messages come, and leave in one of three ways."""

    def __init__(self, frames: Sequence[av.VideoFrame], options: RtcOptions) -> None:
        vpx.DEFAULT_BITRATE = vpx.MIN_BITRATE = _BIT_RATE
        self.film = Film(frames)
        self.heard = asyncio.Event()
        self.last: dict[str, Any] | None = None
        self._options = options
        self._connection = Connection(ice.configuration(options))
        self._location = ""
        transceiver = self._connection.addTransceiver(self.film, "sendonly")
        self.film.sender = transceiver.sender
        channel = self._connection.createDataChannel("scores", ordered=False, maxRetransmits=0)
        channel.on("message", self._hear)

    def _hear(self, text: str) -> None:
        self.last = json.loads(text)
        self.heard.set()

    async def publish(self, http: httpx.AsyncClient, stream_id: str) -> None:
        """Connect, and wait for the first message."""
        ice.steer(self._connection, self._options)
        await self._connection.setLocalDescription(await self._connection.createOffer())
        response = await http.post(
            f"/v1/whip/{stream_id}",
            content=self._connection.localDescription.sdp,
            headers={"Content-Type": "application/sdp"},
        )
        response.raise_for_status()
        self._location = urljoin(str(response.url), response.headers["location"])
        answer = RTCSessionDescription(response.text, "answer")
        await self._connection.setRemoteDescription(answer)
        await self.heard.wait()

    async def delete(self, http: httpx.AsyncClient) -> None:
        """Ask the server to end it, then hang up."""
        await http.delete(self._location)
        await self.hang_up()

    async def hang_up(self) -> None:
        """Close the connection, which the other side is told of."""
        await self._connection.close()

    async def vanish(self) -> None:
        """Go without a word: only silence tells the other side."""
        for transceiver in self._connection.getTransceivers():
            await transceiver.receiver.transport.transport.stop()
        await self._connection.close()
