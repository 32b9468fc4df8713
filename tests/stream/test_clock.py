"""Clocks: monotonic, and moved by hand."""

from __future__ import annotations

import time

import pytest

from stream.clock import ManualClock, MonotonicClock


def test_the_system_clock_never_goes_back() -> None:
    clock = MonotonicClock()
    readings = [clock.now_s() for _ in range(100)]
    assert readings == sorted(readings)


def test_wall_time_of_now_is_the_time_of_day() -> None:
    clock = MonotonicClock()
    assert clock.wall_s(clock.now_s()) == pytest.approx(time.time(), abs=0.5)


def test_wall_time_differs_as_much_as_the_instants_do() -> None:
    clock = MonotonicClock()
    now_s = clock.now_s()
    assert clock.wall_s(now_s) - clock.wall_s(now_s - 60) == pytest.approx(60, abs=0.5)


def test_wall_time_follows_a_system_clock_that_was_set(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = MonotonicClock()
    now_s, before_s = clock.now_s(), time.time()
    monkeypatch.setattr(time, "time", lambda: before_s + 3600)
    assert clock.wall_s(now_s) == pytest.approx(before_s + 3600, abs=0.5)


def test_a_manual_clock_stands_still() -> None:
    clock = ManualClock(5.0)
    assert clock.now_s() == clock.now_s() == 5.0


def test_a_manual_clock_moves_when_told() -> None:
    clock = ManualClock()
    clock.advance(1.5)
    clock.set(4.0)
    clock.advance(0.25)
    assert clock.now_s() == 4.25


def test_a_manual_clock_never_goes_back() -> None:
    clock = ManualClock(10.0)
    clock.set(3.0)
    clock.advance(-1.0)
    assert clock.now_s() == 10.0


def test_a_manual_clocks_wall_time_counts_from_the_unix_epoch() -> None:
    assert ManualClock(7.0).wall_s(3.25) == 3.25
