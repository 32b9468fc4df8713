"""FrameAssembly: packets late, twice, lost and out of order."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from stream.rtc.assembly import MOST_AHEAD, MOST_BYTES, PATIENCE_S, CodedFrame, FrameAssembly


@dataclass
class Packet:
    sequence_number: int
    timestamp: int
    marker: int = 0
    _data: bytes = b""


def frame(first: int, timestamp: int, *parts: bytes) -> list[Packet]:
    """A frame's packets, the last one marked."""
    return [
        Packet((first + n) % 65536, timestamp, int(n == len(parts) - 1), part)
        for n, part in enumerate(parts)
    ]


def feed(assembly: FrameAssembly, packets: list[Packet], now_s: float = 0.0) -> list[CodedFrame]:
    return [done for packet in packets for done in assembly.add(packet, now_s)]


def test_a_frame_is_complete_with_its_marked_packet_and_not_only_with_the_next_one() -> None:
    assembly = FrameAssembly()
    assert feed(assembly, frame(7, 100, b"a", b"b", b"c")) == [CodedFrame(b"abc", 100, False)]


def test_without_a_mark_the_next_timestamp_completes_it() -> None:
    assembly = FrameAssembly()
    unmarked = [Packet(1, 100, 0, b"a"), Packet(2, 100, 0, b"b"), Packet(3, 200, 0, b"c")]
    assert feed(assembly, unmarked) == [CodedFrame(b"ab", 100, False)]


@pytest.mark.parametrize("first", [10, 65534])
def test_packets_are_put_in_order_across_the_end_of_the_numbers(first: int) -> None:
    assembly = FrameAssembly()
    one, other = frame(first, 1, b"a", b"b"), frame(first + 2, 2, b"c", b"d")
    assert feed(assembly, [one[0], other[1], other[0], one[1]]) == [
        CodedFrame(b"ab", 1, False),
        CodedFrame(b"cd", 2, False),
    ]


def test_copies_and_stragglers_change_nothing() -> None:
    assembly = FrameAssembly()
    one, other = frame(1, 1, b"a", b"b"), frame(3, 2, b"c")
    assert feed(assembly, [*one, *one, one[0], *other, *one]) == [
        CodedFrame(b"ab", 1, False),
        CodedFrame(b"c", 2, False),
    ]
    assert assembly.lost == 0


def test_padding_makes_no_frame() -> None:
    assembly = FrameAssembly()
    padding = [Packet(2, 1), Packet(3, 1)]
    assert feed(assembly, [*frame(1, 1, b"a"), *padding, *frame(4, 2, b"b")]) == [
        CodedFrame(b"a", 1, False),
        CodedFrame(b"b", 2, False),
    ]


def test_a_missing_packet_is_waited_for_and_when_it_comes_nothing_is_damaged() -> None:
    assembly = FrameAssembly()
    one, other = frame(1, 1, b"a", b"b"), frame(3, 2, b"c")
    assert feed(assembly, [one[0], *other]) == []
    assert feed(assembly, [one[1]], PATIENCE_S / 2) == [
        CodedFrame(b"ab", 1, False),
        CodedFrame(b"c", 2, False),
    ]


def test_a_packet_that_never_comes_is_given_up_and_what_follows_is_damaged() -> None:
    assembly = FrameAssembly()
    feed(assembly, [frame(1, 1, b"a", b"b")[0], *frame(3, 2, b"c")])
    later = feed(assembly, frame(4, 3, b"d"), 1.01 * PATIENCE_S)
    # Frame 2 is left out: its beginning may have been in what is missing.
    assert later == [CodedFrame(b"d", 3, True)]
    assert feed(assembly, frame(5, 4, b"e"), 2 * PATIENCE_S) == [CodedFrame(b"e", 4, False)]
    assert assembly.lost == 1


def test_patience_counts_from_each_gap_anew() -> None:
    assembly = FrameAssembly()
    gap = frame(2, 2, b"b")[0]
    feed(assembly, frame(1, 1, b"a"))
    feed(assembly, frame(3, 3, b"c"), 10.0)
    assert feed(assembly, [gap], 10.0 + PATIENCE_S / 2) == [
        CodedFrame(b"b", 2, False),
        CodedFrame(b"c", 3, False),
    ]
    feed(assembly, frame(5, 5, b"e"), 10.0 + 1.5 * PATIENCE_S)
    assert assembly.lost == 0


@pytest.mark.parametrize("ahead", [MOST_AHEAD, 30_000, 60_000])
def test_numbers_that_begin_anew_are_followed(ahead: int) -> None:
    assembly = FrameAssembly()
    feed(assembly, frame(1, 1, b"a"))
    begin = (2 + ahead) % 65536
    feed(assembly, frame(begin, 9, b"x"))
    assert feed(assembly, frame(begin + 1, 10, b"y")) == [CodedFrame(b"y", 10, True)]
    assert assembly.lost == 1


def test_a_frame_without_end_is_not_kept_for_ever() -> None:
    assembly = FrameAssembly()
    part = b"x" * (MOST_BYTES // 4)
    endless = [Packet(number, 1, 0, part) for number in range(1, 7)]
    assert feed(assembly, endless) == []
    assert assembly.lost == 1
    assert feed(assembly, frame(7, 2, b"y")) == [CodedFrame(b"y", 2, True)]
