from __future__ import annotations

import pytest

from stream.sources.sender_clock import MAX_AHEAD_S, PROBATION_S, Distrust, SenderClock

NOW = 1_700_000_000.0


def ages(clock: SenderClock, *pictures: tuple[float | None, float, float | None]) -> list[object]:
    """Each picture is (sent, arrived, timestamp), the first two relative to `NOW`."""
    return [
        clock.age_s(None if sent is None else NOW + sent, NOW + arrived, timestamp)
        for sent, arrived, timestamp in pictures
    ]


def test_a_good_clock_gives_the_age() -> None:
    clock = SenderClock()
    assert ages(clock, (0, 0.09, 5.0), (0.04, 0.12, 5.04)) == pytest.approx([0.09, 0.08])
    assert clock.distrust is None


def test_no_clock_is_no_fault() -> None:
    clock = SenderClock()
    assert ages(clock, (None, 0, 0.0)) == [None]
    assert clock.distrust is None


def test_a_stall_is_believed_as_long_as_sender_and_media_time_agree() -> None:
    clock = SenderClock()
    stalled = [(0.1 * n, 2.0 + 0.01 * n, 0.1 * n) for n in range(10)]
    assert ages(clock, *stalled)[0] == pytest.approx(2.0)
    assert clock.distrust is None


@pytest.mark.parametrize(
    ("sent", "reason"), [(-3600.0, Distrust.OFF), (0.5, Distrust.FUTURE), (-10.5, Distrust.OFF)]
)
def test_a_wrong_clock_is_not_used(sent: float, reason: Distrust) -> None:
    clock = SenderClock()
    assert ages(clock, (sent, 0, 0.0)) == [None]
    assert clock.distrust is reason


def test_a_clock_slightly_ahead_makes_no_negative_age() -> None:
    assert ages(SenderClock(), (MAX_AHEAD_S / 2, 0, 0.0)) == [0.0]


def test_a_jump_is_distrusted_until_the_clock_has_behaved_for_a_while() -> None:
    clock = SenderClock()
    assert ages(clock, (0, 1.5, 0.0), (1.0, 1.6, 0.1)) == [pytest.approx(1.5), None]
    assert clock.distrust is Distrust.JUMPED
    assert ages(clock, (1.1, 1.7, 0.2)) == [None]
    later = 1.6 + PROBATION_S
    assert ages(clock, (later - 0.6, later, later - 1.5)) == [pytest.approx(0.6)]
    assert clock.distrust is None


def test_without_timestamps_only_the_age_is_judged() -> None:
    assert ages(SenderClock(), (0, 0.1, None), (3.0, 3.1, None)) == pytest.approx([0.1, 0.1])
