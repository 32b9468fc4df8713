"""Publisher: one peer whose camera is watched, and the stream that it feeds."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable
from typing import Final, cast

from aiortc import RTCRtpTransceiver

from stream.clock import Clock
from stream.rtc.channels import Channels, scores
from stream.rtc.intake import Intake, install
from stream.rtc.offer import Offer, read_candidates
from stream.rtc.options import RtcOptions
from stream.rtc.peer import CONNECT_TIMEOUT_S, Peer, first_of
from stream.session import Session
from stream.sources.inbox import Codec, Inbox
from stream.sources.webrtc import WebRtcSource

LOG: Final = logging.getLogger("deepfakestream")
LOOK_S: Final = 0.5
START: Final = "x-google-start-bitrate"
"""Chromium's parameter of a codec, in kbit/s. By itself it begins at 300, and then sends no more
than aiortc's estimate (REMB), which grows by 8 % a second from what came first: for ten seconds and
more a face would be too coarse to judge."""
_VIDEO: Final = re.compile(r"^(m=video [^\r\n]*\r?\nc=[^\r\n]*\r?\n)", re.MULTILINE)


class Publisher:
    """One WHIP session. `answer`, then `bind` to the stream's session, then `run` until its end.

    `source` makes the source that the stream's session opens.
    """

    def __init__(self, stream_id: str, offer: Offer, options: RtcOptions, clock: Clock) -> None:
        self.stream_id = stream_id
        self._offer = offer
        self._options = options
        self._clock = clock
        self._codecs: dict[int, Codec] = {}
        self._inbox = Inbox()
        self._intake = Intake(self._inbox, clock, self._codecs.get)
        self._peer = Peer(options)
        self._over = asyncio.Event()

    def source(self) -> WebRtcSource:
        """The pictures of this peer."""
        return WebRtcSource(
            self._inbox,
            self._clock,
            f"webrtc:{self.stream_id}",
            max_pixels=self._options.max_pixels,
            open_timeout_s=CONNECT_TIMEOUT_S + self._options.idle_timeout_s,
            needs_keyframe=self._intake.ask_for_keyframe,
        )

    async def answer(self) -> str:
        """The SDP of the answer, which names the highest bit rate.

        Raises: BadOffer.
        """
        sdp = await self._peer.answer(self._offer, "recvonly", self._prepare)
        rate = self._options.max_bitrate
        return _VIDEO.sub(rf"\g<1>b=AS:{rate // 1000}\r\nb=TIAS:{rate}\r\n", sdp)

    def _prepare(self, transceiver: RTCRtpTransceiver) -> None:
        start = min(self._options.start_bitrate, self._options.max_bitrate)
        for codec in transceiver._codecs:
            if codec.payloadType is not None and codec.name.lower() in {"vp8", "h264"}:
                self._codecs[codec.payloadType] = cast(Codec, codec.name.lower())
                codec.parameters[START] = start // 1000
        install(self._intake, transceiver.receiver)

    async def run(self, session: Session, live: Callable[[], Awaitable[None]]) -> None:
        """Feed `session`, which `live` runs, until either side has ended. Cancelling ends both."""
        channels = Channels({"scores": scores(session)})
        self._peer.on_channel(channels.open)
        try:
            await first_of(live(), self._peer.gone(), self._watch(), self._ended())
        finally:
            self._inbox.close()
            await channels.close()
            await self._peer.close()

    def end(self) -> None:
        """Let `run` end."""
        self._over.set()

    async def add_candidates(self, fragment: str) -> None:
        """Trickle ICE. Raises: BadOffer, Unsupported."""
        await self._peer.add_candidates(read_candidates(fragment, self._offer), self._offer)

    async def close(self) -> None:
        """Free the connection of a publisher that was never run."""
        self._inbox.close()
        await self._peer.close()

    async def _ended(self) -> None:
        await self._over.wait()

    async def _watch(self) -> None:
        """Return when nothing comes any more, or too much."""
        connected_at_s = self._clock.now_s()
        while True:
            await asyncio.sleep(LOOK_S)
            now_s = self._clock.now_s()
            if not self._peer.connected:
                connected_at_s = now_s
            silent_s = now_s - max(self._intake.heard_at_s, connected_at_s)
            if silent_s > self._options.idle_timeout_s:
                LOG.warning("%s: its publisher sent nothing for %.0f s", self.stream_id, silent_s)
                return
            if self._intake.bitrate > 2 * self._options.max_bitrate:
                rate = self._intake.bitrate / 1e6
                LOG.warning("%s: its publisher sent %.1f Mbit/s", self.stream_id, rate)
                return
