"""The H.264 of a film, access unit by access unit, as a camera would send it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import av

SPS: Final = 7
PPS: Final = 8


@dataclass(frozen=True, slots=True)
class Unit:
    """One picture: its NAL units without start codes; a keyframe can be decoded by itself."""

    nals: tuple[bytes, ...]
    key: bool


@dataclass(frozen=True, slots=True)
class Film:
    """All pictures in the order in which they are sent, which is that in which they are shown."""

    units: tuple[Unit, ...]
    interval_s: float
    parameter_sets: tuple[bytes, ...]

    @property
    def keys(self) -> list[int]:
        """Where one may begin."""
        return [index for index, unit in enumerate(self.units) if unit.key]


def read_film(path: Path) -> Film:
    """Read an MP4 whose H.264 has no B-frames (`benchmarks.rtsp.camera_file` makes one).

    Raises: ValueError for other codecs and for B-frames.
    """
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        if stream.codec_context.name != "h264" or stream.codec_context.has_b_frames:
            raise ValueError(f"{path} is no H.264 without B-frames")
        extra = stream.codec_context.extradata or b""
        units = tuple(
            Unit(tuple(_nals(bytes(packet))), packet.is_keyframe)
            for packet in container.demux(stream)
            if packet.size
        )
        interval_s = 1 / float(stream.average_rate or 25)
    return Film(units, interval_s, _parameter_sets(extra))


def _nals(packet: bytes) -> list[bytes]:
    """Split an MP4 sample: each NAL unit stands behind its length in four bytes."""
    found, at = [], 0
    while at < len(packet):
        length = int.from_bytes(packet[at : at + 4], "big")
        found.append(packet[at + 4 : at + 4 + length])
        at += 4 + length
    return found


def _parameter_sets(extra: bytes) -> tuple[bytes, ...]:
    """SPS and PPS of an avcC record (ISO/IEC 14496-15, 5.3.3.1)."""
    sets, at = [], 5
    for mask in (0x1F, 0xFF):
        count, at = extra[at] & mask, at + 1
        for _ in range(count):
            length = int.from_bytes(extra[at : at + 2], "big")
            sets.append(extra[at + 2 : at + 2 + length])
            at += 2 + length
    return tuple(sets)
