from __future__ import annotations

import logging
import threading
import time

import pytest

from stream.clock import ManualClock, MonotonicClock
from stream.sources.pacing import MAX_LATE_S, Pacing


def test_before_the_start_nothing_waits() -> None:
    pacing = Pacing(ManualClock(5.0), threading.Event())
    assert pacing.wait(100.0)
    assert pacing.due_s(0.0) == 5.0


def test_media_time_is_laid_onto_the_clock() -> None:
    clock = ManualClock(5.0)
    pacing = Pacing(clock, threading.Event())
    pacing.start()
    clock.advance(1.0)
    pacing.start()
    assert pacing.due_s(0.25) == 5.25
    assert pacing.wait(0.25)


def test_it_waits_until_the_picture_is_due() -> None:
    clock = MonotonicClock()
    pacing = Pacing(clock, threading.Event())
    pacing.start()
    assert pacing.wait(0.15)
    assert clock.now_s() >= pacing.due_s(0.15)


@pytest.mark.alone
def test_stop_ends_a_long_wait_at_once() -> None:
    stop = threading.Event()
    pacing = Pacing(MonotonicClock(), stop)
    pacing.start()
    threading.Timer(0.05, stop.set).start()
    begin_s = time.monotonic()
    assert not pacing.wait(3600.0)
    assert time.monotonic() - begin_s < 2.0


def test_stop_counts_even_when_nothing_is_to_be_waited_for() -> None:
    stop = threading.Event()
    stop.set()
    assert not Pacing(ManualClock(), stop).wait(0.0)


def test_a_machine_that_cannot_keep_up_shows_the_film_more_slowly(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = ManualClock()
    pacing = Pacing(clock, threading.Event())
    pacing.start()
    for _ in range(2):
        clock.advance(2 * MAX_LATE_S)
        with caplog.at_level(logging.WARNING):
            assert pacing.wait(0.0)
        assert pacing.due_s(0.0) == clock.now_s()
    assert len(caplog.records) == 1
