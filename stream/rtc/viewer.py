"""Viewer: one peer that watches a stream, and which frame each picture that it gets is."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Final, cast

import av
from aiortc import MediaStreamTrack, RTCDataChannel, RTCRtpSender, RTCRtpTransceiver
from aiortc.mediastreams import MediaStreamError
from av.video.stream import VideoStream

from stream.fanout import Fanout, Subscription
from stream.rtc.broadcast import TIME_BASE, Broadcast, Coded
from stream.rtc.channels import Channels, Pump, scores, send
from stream.rtc.offer import Offer, read_candidates
from stream.rtc.options import RtcOptions
from stream.rtc.peer import Peer, first_of
from stream.session import Session

LINES_QUEUED: Final = 32
_RTP_TIMESTAMP: Final = "_RTCRtpSender__rtp_timestamp"
_WRAP: Final = 1 << 32


class Screen(MediaStreamTrack):
    """The broadcast as one viewer gets it: from a keyframe on, and again from one after a loss.

    `lines` tell the RTP timestamp of each picture; its `sender` is needed for that.
    """

    kind = "video"

    def __init__(self, pictures: Subscription[Coded], broadcast: Broadcast) -> None:
        super().__init__()
        self.lines: Fanout[str] = Fanout()
        self.sender: RTCRtpSender | None = None
        self._pictures = pictures
        self._broadcast = broadcast
        self._dropped = 0
        self._before: Coded | None = None
        self._origin: int | None = None

    async def recv(self) -> av.Packet[VideoStream]:
        """The next picture, ready to be sent. Raises: MediaStreamError at the stream's end."""
        async for picture in self._pictures:
            if self._pictures.dropped > self._dropped:
                self._dropped = self._pictures.dropped
                self._before = None
            if self._before is None and not picture.keyframe:
                self._broadcast.ask_for_keyframe()
                continue
            self._tell(picture)
            self._before = picture
            packet = av.Packet(picture.data)
            packet.pts, packet.time_base = picture.pts, TIME_BASE
            return cast("av.Packet[VideoStream]", packet)
        self.stop()
        raise MediaStreamError

    def _tell(self, picture: Coded) -> None:
        # aiortc counts from a random number that it keeps to itself, but for the timestamp of what
        # it sent last: known from the second picture on.
        if self._origin is None and self._before is not None and self.sender is not None:
            self._origin = getattr(self.sender, _RTP_TIMESTAMP) - self._before.pts
            self.lines.publish(self._line(self._before))
        if self._origin is not None:
            self.lines.publish(self._line(picture))

    def _line(self, picture: Coded) -> str:
        assert self._origin is not None
        return json.dumps(
            {
                "rtp_timestamp": (picture.pts + self._origin) % _WRAP,
                "frame_seq": picture.frame_seq,
                "epoch": picture.epoch,
                "media_time_s": round(picture.media_time_s, 6),
            }
        )


class Viewer:
    """One WHEP session, from its offer until `run` returns."""

    def __init__(
        self, session: Session, broadcast: Broadcast, offer: Offer, options: RtcOptions
    ) -> None:
        self.stream_id = session.identity.stream_id
        self._session = session
        self._broadcast = broadcast
        self._offer = offer
        self._peer = Peer(options)
        self._over = asyncio.Event()

    async def run(self, answered: Callable[[str], None]) -> None:
        """Send the stream until it ends or the viewer has gone. Cancelling ends it.

        `answered` gets the SDP of the answer.

        Raises: BadOffer.
        """
        try:
            async with self._broadcast.join() as pictures:
                screen = Screen(pictures, self._broadcast)
                channels = Channels(
                    {"scores": scores(self._session), "frames": self._lines_of(screen)}
                )
                self._peer.on_channel(channels.open)
                try:
                    await self._show(screen, answered)
                finally:
                    await channels.close()
        finally:
            await self._peer.close()

    async def _show(self, screen: Screen, answered: Callable[[str], None]) -> None:
        def prepare(transceiver: RTCRtpTransceiver) -> None:
            vp8 = [codec for codec in transceiver._codecs if codec.name.upper() in {"VP8", "RTX"}]
            first = next(codec.payloadType for codec in vp8 if codec.name.upper() == "VP8")
            transceiver._codecs = [
                codec
                for codec in vp8
                if codec.payloadType == first or codec.parameters.get("apt") == first
            ]
            transceiver.sender.replaceTrack(screen)
            screen.sender = transceiver.sender
            # Its own would code a frame anew; these are coded already, for all viewers.
            transceiver.sender._send_keyframe = self._broadcast.ask_for_keyframe  # type: ignore[method-assign]

        answer = await self._peer.answer(self._offer, "sendonly", prepare)
        answered(answer)
        screen.on("ended", self._over.set)
        await first_of(self._peer.gone(), self._ended())

    def end(self) -> None:
        """Let `run` end."""
        self._over.set()

    async def add_candidates(self, fragment: str) -> None:
        """Trickle ICE. Raises: BadOffer, Unsupported."""
        await self._peer.add_candidates(read_candidates(fragment, self._offer), self._offer)

    async def _ended(self) -> None:
        await self._over.wait()

    @staticmethod
    def _lines_of(screen: Screen) -> Pump:
        async def pump(channel: RTCDataChannel) -> None:
            with screen.lines.subscribe(LINES_QUEUED) as lines:
                async for line in lines:
                    if not send(channel, line) and channel.readyState != "open":
                        return

        return pump
