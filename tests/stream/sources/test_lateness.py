"""Lateness: late packets are left out up to a keyframe in time, and nothing for ever."""

from __future__ import annotations

import pytest

from stream.sources.lateness import BEHIND_S, PATIENCE_S, Lateness

FPS = 30
GOP = 30


def read(
    lateness: Lateness, numbers: range, delay_s: float, *, at_once_s: float | None = None
) -> list[int]:
    """The numbers of the packets that are decoded; they come at their pace, `delay_s` late, or all
    at `at_once_s`, as from a buffer.
    """
    kept = []
    for number in numbers:
        due_s = number / FPS
        now_s = due_s + delay_s if at_once_s is None else at_once_s
        if not lateness.leaves_out(due_s, number % GOP == 0, now_s):
            kept.append(number)
    return kept


def test_packets_in_time_are_all_decoded() -> None:
    lateness = Lateness()
    assert read(lateness, range(90), 5.0) == list(range(90))
    assert lateness.skipped == 0


@pytest.mark.parametrize("jitter_s", [0.2, BEHIND_S - 0.05])
def test_jitter_is_no_lateness(jitter_s: float) -> None:
    lateness = Lateness()
    for number in range(300):
        late_s = jitter_s * (number % 3) / 2
        assert not lateness.leaves_out(number / FPS, number % GOP == 0, number / FPS + late_s)


def test_what_waited_is_left_out_up_to_a_keyframe_that_did_not() -> None:
    lateness = Lateness()
    read(lateness, range(60), 0.0)
    # Three seconds passed unread: all of it is there at once.
    assert read(lateness, range(60, 156), 0.0, at_once_s=155 / FPS) == list(range(150, 156))
    assert lateness.skipped == 90
    assert read(lateness, range(156, 240), 0.0) == list(range(156, 240))


def test_a_decoder_that_is_too_slow_stays_within_a_second_or_two_of_the_camera() -> None:
    """Decoding takes half as long again as there is time: left alone, it would fall 20 s behind."""
    lateness, now_s, worst_s = Lateness(), 0.0, 0.0
    for number in range(60 * FPS):
        due_s = number / FPS
        now_s = max(now_s, due_s)
        if not lateness.leaves_out(due_s, number % GOP == 0, now_s):
            now_s += 1.5 / FPS
            worst_s = max(worst_s, now_s - due_s)
    assert worst_s < BEHIND_S + 0.1
    assert 60 * FPS / 4 < lateness.skipped < 60 * FPS / 1.5


def test_a_camera_that_became_later_for_good_is_taken_as_it_is() -> None:
    lateness = Lateness()
    read(lateness, range(60), 0.0)
    kept = read(lateness, range(60, 300), 3.0)
    assert kept[0] <= 60 + FPS * PATIENCE_S + 2 * GOP
    assert kept == list(range(kept[0], 300))


def test_timestamps_that_leap_back_start_anew() -> None:
    lateness = Lateness()
    read(lateness, range(600), 0.0)
    assert [lateness.leaves_out(n / FPS, n == 0, 20.0 + n / FPS) for n in range(60)] == [False] * 60


def test_a_slow_clock_is_no_lateness() -> None:
    lateness = Lateness()
    for second in range(6 * 3600):
        assert not lateness.leaves_out(float(second), True, second * (1 + 1e-4))


def test_packets_without_a_timestamp_share_the_fate_of_those_before_them() -> None:
    lateness = Lateness()
    assert not lateness.leaves_out(None, False, 0.0)
    read(lateness, range(60), 0.0)
    assert not lateness.leaves_out(None, False, 2.0)
    assert lateness.leaves_out(2.0, True, 4.0)
    assert lateness.leaves_out(None, False, 4.0)
