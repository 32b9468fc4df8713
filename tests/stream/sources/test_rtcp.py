from __future__ import annotations

import struct
from fractions import Fraction
from typing import cast

import av
import pytest
from av.video.stream import VideoStream

from stream.sources.live import Sent
from stream.sources.rtcp import SenderReports, sent_unix_s

NTP_TO_UNIX_S = 2_208_988_800


class FakePacket:
    """A packet with the side data that FFmpeg attaches to a camera's."""

    def __init__(self, pts: int | None, sent_s: float | None, report: tuple[float, int] | None):
        self.pts = pts
        self.time_base = Fraction(1, 90_000)
        self._data: dict[str, bytes] = {}
        if sent_s is not None:
            self._data["prft"] = struct.pack("=qi4x", round(sent_s * 1e6), 24)
        if report is not None:
            at_s, rtp = report
            ntp = int((at_s + NTP_TO_UNIX_S) * 2**32)
            self._data["rtcp_sr"] = struct.pack("@IQIIIQ", 1, ntp, rtp, 0, 0, 0)

    def has_sidedata(self, kind: str) -> bool:
        return kind in self._data

    def get_sidedata(self, kind: str) -> bytes:
        return self._data[kind]


def packet(
    pts: int | None, sent_s: float | None = None, report: tuple[float, int] | None = None
) -> av.Packet[VideoStream]:
    return cast("av.Packet[VideoStream]", FakePacket(pts, sent_s, report))


def test_the_wall_clock_is_read() -> None:
    assert sent_unix_s(packet(0, 1_700_000_000.25)) == pytest.approx(1_700_000_000.25)
    assert sent_unix_s(packet(0)) is None


def test_nothing_is_known_before_the_first_report() -> None:
    assert SenderReports().of(packet(0)) == Sent(None, None)


def test_a_report_gives_this_and_every_later_rtp_timestamp() -> None:
    reports = SenderReports()
    # The report speaks of a moment half a second before the packet.
    first = reports.of(packet(9_000, 1000.5, (1000.0, 4_000_000_000)))
    assert first.rtp_timestamp == pytest.approx(4_000_045_000, abs=2)
    assert first.rtp_timestamp is not None
    later = reports.of(packet(9_000 + 90_000, 1001.5))
    assert later.rtp_timestamp == first.rtp_timestamp + 90_000


def test_the_rtp_timestamp_wraps() -> None:
    reports = SenderReports()
    reports.of(packet(0, 1000.0, (1000.0, 2**32 - 45_000)))
    assert reports.of(packet(90_000, 1001.0)).rtp_timestamp == pytest.approx(45_000, abs=2)


def test_a_packet_without_time_has_no_rtp_timestamp() -> None:
    assert SenderReports().of(packet(None, 1000.0, (1000.0, 5))).rtp_timestamp is None
