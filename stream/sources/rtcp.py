"""What a sender's RTCP reports say of a packet: its wall clock and its RTP timestamp."""

from __future__ import annotations

import struct
from typing import Final

import av
from av.video.stream import VideoStream

from stream.sources.live import Sent

_NTP_TO_UNIX_S: Final = 2_208_988_800
_RTP_MODULUS: Final = 1 << 32
# struct AVProducerReferenceTime { int64_t wallclock; int flags; }
_REFERENCE_TIME: Final = struct.Struct("=q")
# struct AVRTCPSenderReport { uint32_t ssrc; uint64_t ntp; uint32_t rtp; ... }, native alignment
_SENDER_REPORT: Final = struct.Struct("@IQI")


def sent_unix_s(packet: av.Packet[VideoStream]) -> float | None:
    """When the sender took the picture that `packet` belongs to, Unix seconds by its own clock.

    None before its first sender report, and where it sends none.
    """
    if not packet.has_sidedata("prft"):
        return None
    (wallclock_us,) = _REFERENCE_TIME.unpack_from(bytes(packet.get_sidedata("prft")))
    return float(wallclock_us) / 1e6


class SenderReports:
    """What the sender says of each packet of one run.

    FFmpeg keeps only the differences of the 32-bit RTP timestamps; a sender report states one, and
    every later packet's follows from it by its presentation time.
    """

    def __init__(self) -> None:
        self._offset: int | None = None

    def of(self, packet: av.Packet[VideoStream]) -> Sent:
        """Wall clock and RTP timestamp of `packet`, as far as reports have come."""
        return Sent(sent_unix_s(packet), self._rtp_timestamp(packet))

    def _rtp_timestamp(self, packet: av.Packet[VideoStream]) -> int | None:
        if packet.pts is None or packet.time_base is None:
            return None
        if self._offset is None:
            self._offset = self._learn(packet)
        return None if self._offset is None else (packet.pts + self._offset) % _RTP_MODULUS

    @staticmethod
    def _learn(packet: av.Packet[VideoStream]) -> int | None:
        sent_s = sent_unix_s(packet)
        if sent_s is None or packet.pts is None or not packet.has_sidedata("rtcp_sr"):
            return None
        _, ntp, rtp = _SENDER_REPORT.unpack_from(bytes(packet.get_sidedata("rtcp_sr")))
        since_report_s = sent_s - (ntp / 2**32 - _NTP_TO_UNIX_S)
        return int(rtp + round(since_report_s / float(packet.time_base)) - packet.pts)
