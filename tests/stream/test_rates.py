"""RateMeter: frames in and crops scored a second."""

from __future__ import annotations

import pytest

from stream.rates import RateMeter


def fed(*marks: tuple[float, int, int]) -> RateMeter:
    meter = RateMeter()
    for at_s, seq, scored in marks:
        meter.mark(at_s, seq, scored)
    return meter


@pytest.mark.parametrize(
    ("marks", "because"),
    [
        ((), "nothing is known"),
        (((1.0, 0, 1),), "one frame has no rate"),
        (((1.0, 0, 1), (1.0, 1, 1)), "no time has passed"),
    ],
)
def test_rates_are_zero_until_there_is_something_to_measure(
    marks: tuple[tuple[float, int, int], ...], because: str
) -> None:
    assert fed(*marks).rates() == (0.0, 0.0), because


def test_frames_that_were_dropped_in_between_count_as_decoded() -> None:
    # Every third frame of a 30 fps source was looked at.
    meter = fed(*((index / 10, 3 * index, 0) for index in range(21)))
    assert meter.rates()[0] == pytest.approx(30.0)


def test_crops_of_several_faces_are_added_up() -> None:
    meter = fed(*((index / 4, index, 2) for index in range(9)))
    assert meter.rates() == pytest.approx((4.0, 8.0))


def test_a_camera_that_slows_down_is_seen_as_slow_within_three_seconds() -> None:
    meter = fed(*((index / 30, index, 1) for index in range(90)))
    for index in range(1, 17):
        meter.mark(3.0 + index / 5, 90 + index, 0)
    fps_in, fps_scored = meter.rates()
    assert fps_in == pytest.approx(5.0, rel=0.1)
    assert fps_scored == 0.0


def test_a_pause_between_two_connections_is_no_slow_camera() -> None:
    meter = fed((0.0, 0, 1), (0.1, 1, 1))
    meter.restart()
    assert meter.rates() == (0.0, 0.0)
    meter.mark(60.0, 2, 0)
    meter.mark(60.1, 3, 1)
    assert meter.rates() == pytest.approx((10.0, 10.0))


def test_after_a_long_gap_the_past_is_forgotten() -> None:
    meter = fed((0.0, 0, 1), (0.1, 1, 1), (100.0, 2, 1))
    assert meter.rates() == (0.0, 0.0)
