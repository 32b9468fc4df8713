"""RTP for H.264 (RFC 6184), interleaved in an RTSP connection (RFC 2326, 10.12).

A picture's packets are laid out once; sending one only writes sequence numbers and a timestamp into
a copy, which takes some ten microseconds: the sender shares the machine with what it feeds.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

PAYLOAD_TYPE: Final = 96
CLOCK_HZ: Final = 90_000
MTU: Final = 1400
RTP_CHANNEL: Final = 0
RTCP_CHANNEL: Final = 1
NTP_EPOCH_S: Final = 2_208_988_800  # 1900 to 1970
_FU_A: Final = 28
_HEADER: Final = struct.Struct("!BBHBBHII")  # "$", channel, length, then RTP's twelve bytes
_REPORT: Final = struct.Struct("!BBHBBHIIIIII")


@dataclass(frozen=True, slots=True)
class Picture:
    """The interleaved packets of one picture, and where each begins."""

    layout: bytes
    starts: tuple[int, ...]

    def stamped(self, first_seq: int, timestamp: int) -> bytearray:
        """What goes to the socket."""
        copy = bytearray(self.layout)
        for number, start in enumerate(self.starts):
            struct.pack_into("!HI", copy, start + 6, (first_seq + number) & 0xFFFF, timestamp)
        return copy


def lay_out(nals: Sequence[bytes], ssrc: int, mtu: int = MTU) -> Picture:
    """Packets of at most `mtu` bytes of payload; the last one carries the marker."""
    payloads = [payload for nal in nals for payload in _payloads(nal, mtu)]
    layout, starts = bytearray(), []
    for number, payload in enumerate(payloads):
        starts.append(len(layout))
        marker = 0x80 if number == len(payloads) - 1 else 0
        kind = PAYLOAD_TYPE | marker
        length = 12 + len(payload)
        layout += _HEADER.pack(ord("$"), RTP_CHANNEL, length, 0x80, kind, 0, 0, ssrc)
        layout += payload
    return Picture(bytes(layout), tuple(starts))


def sender_report(ssrc: int, wall_s: float, timestamp: int, packets: int) -> bytes:
    """RTCP's word that RTP `timestamp` was taken at `wall_s` (Unix time)."""
    seconds, fraction = divmod(wall_s + NTP_EPOCH_S, 1)
    words = (ssrc, int(seconds), int(fraction * 2**32), timestamp, packets & 0xFFFFFFFF, 0)
    return _REPORT.pack(ord("$"), RTCP_CHANNEL, 28, 0x80, 200, 6, *words)


def _payloads(nal: bytes, mtu: int) -> list[bytes]:
    if len(nal) <= mtu:
        return [nal]
    # FU-A (5.8): the NAL unit's header is split between an indicator and a header of the part.
    indicator, kind, body = nal[0] & 0xE0 | _FU_A, nal[0] & 0x1F, nal[1:]
    room = mtu - 2
    parts = [body[at : at + room] for at in range(0, len(body), room)]
    last = len(parts) - 1
    return [
        bytes((indicator, kind | (0x80 if at == 0 else 0) | (0x40 if at == last else 0))) + part
        for at, part in enumerate(parts)
    ]
