"""FrameAssembly: RTP packets in any order, made into coded frames in order."""

from __future__ import annotations

from typing import Final, NamedTuple, Protocol

MOST_AHEAD: Final = 512
"""Packets that wait for a missing one: half a second at 8 Mbit/s."""
MISORDER: Final = 100
"""A packet this far behind is no straggler: the sender's numbers began anew."""
PATIENCE_S: Final = 0.25
"""How long a missing packet is waited for: a retransmission over a round trip of 100 ms, twice. A
picture older than that is worth less than the next one."""
MOST_BYTES: Final = 4 << 20
"""Of packets that wait: no coded frame of a live stream is near it."""
_HALF: Final = 1 << 15
_MASK: Final = (1 << 16) - 1


class Payload(Protocol):
    """What is needed of an RTP packet; `_data` is its share of the frame, as aiortc names it."""

    sequence_number: int
    timestamp: int
    marker: int
    _data: bytes


class CodedFrame(NamedTuple):
    """One frame as it was sent. `damaged` says that something before it is missing: what it is
    predicted from may not be what its sender had.
    """

    data: bytes
    rtp_timestamp: int
    damaged: bool


class FrameAssembly:
    """Orders packets by sequence number and joins those of one timestamp.

    A frame is complete with its marked packet (RFC 7741, RFC 6184), not only when the next frame
    begins: that would be one frame interval later. `lost` grows by one where packets are given up,
    which damages the frames that follow; the caller asks the sender for a keyframe.
    """

    def __init__(self) -> None:
        self.lost = 0
        self._waiting: dict[int, Payload] = {}
        self._next: int | None = None
        self._bytes = 0
        self._gap_since_s: float | None = None
        self._damaged = False
        self._parts: list[Payload] = []
        self._beheaded: int | None = None

    def add(self, packet: Payload, now_s: float) -> list[CodedFrame]:
        """Take a packet at `now_s`; the frames that it completes, often none."""
        if self._next is None:
            self._next = packet.sequence_number
        ahead = (packet.sequence_number - self._next) & _MASK
        if ahead >= _HALF and (-ahead & _MASK) < MISORDER:
            return []  # a straggler or a copy
        if ahead >= MOST_AHEAD or self._bytes + len(packet._data) > MOST_BYTES:
            self._begin_anew(packet)
        if packet.sequence_number not in self._waiting:
            self._waiting[packet.sequence_number] = packet
            self._bytes += len(packet._data)
        frames = self._complete()
        if not self._waiting:
            self._gap_since_s = None
        elif frames or self._gap_since_s is None:
            self._gap_since_s = now_s
        elif now_s - self._gap_since_s > PATIENCE_S:
            self._skip_gap()
            frames = self._complete()
            self._gap_since_s = now_s if self._waiting else None
        return frames

    def _begin_anew(self, packet: Payload) -> None:
        self._forget_frame(packet)
        self._waiting.clear()
        self._bytes = 0
        self._next = packet.sequence_number
        self._gap_since_s = None

    def _skip_gap(self) -> None:
        assert self._next is not None
        begin = self._next
        self._next = min(self._waiting, key=lambda number: (number - begin) & _MASK)
        self._forget_frame(self._waiting[self._next])

    def _forget_frame(self, resumes: Payload) -> None:
        self._bytes -= sum(len(part._data) for part in self._parts)
        self._parts = []
        # What was lost may have held the beginning of the frame that `resumes` is part of.
        self._beheaded = resumes.timestamp
        self._damaged = True
        self.lost += 1

    def _complete(self) -> list[CodedFrame]:
        frames: list[CodedFrame] = []
        assert self._next is not None
        while (packet := self._waiting.pop(self._next, None)) is not None:
            self._next = (self._next + 1) & _MASK
            if self._parts and packet.timestamp != self._parts[0].timestamp:
                self._finish(frames)
            if packet.timestamp == self._beheaded:
                self._bytes -= len(packet._data)
                continue
            self._beheaded = None
            self._parts.append(packet)
            if packet.marker:
                self._finish(frames)
        return frames

    def _finish(self, frames: list[CodedFrame]) -> None:
        data = b"".join(part._data for part in self._parts)
        self._bytes -= len(data)
        # Packets that only pad, to probe the line, make no frame.
        if data:
            frames.append(CodedFrame(data, self._parts[0].timestamp, self._damaged))
            self._damaged = False
        self._parts = []
