"""LiveRelay: packets of a camera, as they come, made into `Capture`s with the best capture time."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

import av
from av.video.stream import VideoStream

from stream.clock import Clock
from stream.sources.base import Emit
from stream.sources.decoding import Decoder, Picture
from stream.sources.lateness import Lateness
from stream.sources.sender_clock import Distrust, SenderClock
from stream.sources.timeline import Timeline
from stream.types import Capture

log = logging.getLogger(__name__)

# A decoder that reorders gives a picture out some packets later; 64 is more than any codec holds.
_REMEMBERED: Final = 64


class NoPictures(Exception):
    """Packets keep coming, but for too long no picture could be decoded from them."""


class Sent(NamedTuple):
    """What is known of a packet: when it was taken, by the sender's clock (Unix seconds), its RTP
    timestamp, and when it was here, if it has waited since.
    """

    unix_s: float | None
    rtp_timestamp: int | None = None
    arrived_at_s: float | None = None


class _Arrival(NamedTuple):
    at_s: float
    sent: Sent


class LiveRelay:
    """Decodes a live source's packets and hands every picture on at once.

    `sent` reads the sender's word on a packet. `own_timestamps` is False where the packets'
    timestamps are made up (motion JPEG over HTTP): media time then follows the arrivals.
    `patience_s` bounds the time without a picture while packets come: a decoder that waits for a
    keyframe is given that long. `lateness` says what has waited for too long to be decoded.
    """

    def __init__(
        self,
        decoder: Decoder,
        clock: Clock,
        name: str,
        *,
        sent: Callable[[av.Packet[VideoStream]], Sent],
        own_timestamps: bool = True,
        patience_s: float = 10.0,
        lateness: Lateness | None = None,
    ) -> None:
        self._decoder = decoder
        self._clock = clock
        self._name = name
        self._own_timestamps = own_timestamps
        self._patience_s = patience_s
        self._lateness = lateness
        self._timeline = Timeline(decoder.interval_s)
        self._sender = SenderClock()
        self._sent = sent
        self._told: set[Distrust] = set()
        self._arrivals: OrderedDict[int | None, _Arrival] = OrderedDict()
        self._seen_at_s = clock.now_s()

    def run(
        self, packets: Iterable[av.Packet[VideoStream]], emit: Emit, stop: threading.Event
    ) -> bool:
        """Relay until the packets end (True), or until `stop` or a refusing `emit` (False).

        Raises: NoPictures, and what FFmpeg raises while reading.
        """
        for packet in packets:
            arrival = self._note(packet)
            if stop.is_set():
                return False
            for picture in () if self._waited(packet) else self._decoder.decode(packet):
                self._seen_at_s = self._clock.now_s()
                if not emit(self._capture(picture, arrival)) or stop.is_set():
                    return False
            if arrival.at_s - self._seen_at_s > self._patience_s:
                raise NoPictures
        return True

    def _waited(self, packet: av.Packet[VideoStream]) -> bool:
        lateness = self._lateness
        if lateness is None:
            return False
        stamp = packet.pts if packet.dts is None else packet.dts
        base = packet.time_base
        timestamp_s = None if stamp is None or base is None else float(stamp * base)
        if not lateness.leaves_out(timestamp_s, packet.is_keyframe, self._clock.now_s()):
            return False
        if lateness.skipped == 1:
            log.warning(
                "%s: its pictures cannot be decoded as fast as they come: some are left out, each "
                "time up to a keyframe",
                self._name,
            )
        return True

    def _note(self, packet: av.Packet[VideoStream]) -> _Arrival:
        sent, now_s = self._sent(packet), self._clock.now_s()
        arrival = _Arrival(now_s if sent.arrived_at_s is None else sent.arrived_at_s, sent)
        self._arrivals[packet.pts] = arrival
        if len(self._arrivals) > _REMEMBERED:
            self._arrivals.popitem(last=False)
        return arrival

    def _capture(self, picture: Picture, newest: _Arrival) -> Capture:
        arrival = self._arrivals.pop(picture.frame.pts, newest)
        timestamp_s = picture.timestamp_s if self._own_timestamps else arrival.at_s
        # Judged when the picture comes out: one that others are predicted from is sent before its
        # own time, by a film's forwarder even before the moment that stands for its capture.
        decoded_at_s = self._clock.now_s()
        age_s = self._sender.age_s(
            arrival.sent.unix_s, self._clock.wall_s(decoded_at_s), timestamp_s
        )
        self._tell()
        return Capture(
            media_time_s=self._timeline.place(timestamp_s),
            captured_at_s=arrival.at_s if age_s is None else decoded_at_s - age_s,
            arrived_at_s=arrival.at_s,
            decoded_at_s=decoded_at_s,
            clock="arrival" if age_s is None else "sender",
            size_px=picture.size_px,
            convert=picture.converter(),
            thumbnail=picture.thumbnail,
            corrupt=picture.corrupt,
            quantiser=picture.quantiser,
            rtp_timestamp=arrival.sent.rtp_timestamp,
        )

    def _tell(self) -> None:
        reason = self._sender.distrust
        if reason is not None and reason not in self._told:
            self._told.add(reason)
            log.warning(
                "%s: the sender's clock is not used, arrival stands in: %s", self._name, reason
            )
