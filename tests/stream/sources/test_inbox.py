"""Inbox: bounded, and a decoder that is too slow begins anew instead of falling behind."""

from __future__ import annotations

import threading

from stream.sources.inbox import MOST_WAITING, Arrived, Inbox
from tests.doubles import DEADLINE_S


def arrived(number: int) -> Arrived:
    return Arrived("vp8", b"x", number, float(number), damaged=False)


def test_frames_come_out_in_order() -> None:
    inbox = Inbox()
    assert all(inbox.put(arrived(number)) for number in range(3))
    assert [inbox.get(0) for _ in range(4)] == [arrived(0), arrived(1), arrived(2), None]


def test_a_full_inbox_is_emptied_and_says_that_a_keyframe_is_needed() -> None:
    inbox = Inbox()
    assert all(inbox.put(arrived(number)) for number in range(MOST_WAITING))
    assert not inbox.put(arrived(99))
    assert inbox.dropped == MOST_WAITING
    assert inbox.get(0) == arrived(99)._replace(damaged=True)
    assert inbox.get(0) is None


def test_closing_wakes_the_reader_and_leaves_nothing() -> None:
    inbox, got = Inbox(), []
    reader = threading.Thread(target=lambda: got.append(inbox.get(DEADLINE_S)))
    reader.start()
    inbox.close()
    reader.join(DEADLINE_S)
    assert got == [None]
    inbox.put(arrived(1))
    assert inbox.closed
    assert inbox.get(0) is None
