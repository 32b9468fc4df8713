"""Chart: what is drawn of one face's scores."""

from __future__ import annotations

import pytest

from stream.files import chart
from stream.files.chart import Mark, chart_of
from stream.types import FaceState
from tests.stream.files.results import face, sample

FLOOR, CEILING = chart.y(0.0), chart.y(1.0)


def test_probabilities_go_up_and_times_go_right() -> None:
    drawn = chart_of(face([sample(0.0, 0.0), sample(10.0, 1.0)]), 10.0, 0.6)
    right = chart.WIDTH - chart.RIGHT
    assert drawn.dots == ((chart.LEFT, FLOOR), (right, CEILING))
    assert CEILING < drawn.suspicious_y < FLOOR


def test_the_line_is_broken_where_nothing_was_seen_for_long() -> None:
    times = (0.0, 0.5, 1.0, 5.0, 5.5)
    drawn = chart_of(face([sample(at_s, 0.5) for at_s in times]), 6.0, 0.6)
    assert [len(points.split()) for points in drawn.lines] == [3, 2]


def test_what_was_not_scored_has_no_dot_and_without_a_window_no_line() -> None:
    drawn = chart_of(face([sample(0.0, None), sample(1.0, 0.4)]), 2.0, 0.6)
    assert len(drawn.dots) == 1
    assert [len(points.split()) for points in drawn.lines] == [1]


def test_where_nothing_could_be_said_is_a_span_that_may_last_to_the_end() -> None:
    undecided = FaceState.UNDECIDED
    samples = [sample(0.0, 0.5, undecided), sample(2.0, 0.5), sample(8.0, 0.5, undecided)]
    spans = chart_of(face(samples), 10.0, 0.6).undecided
    assert len(spans) == 2
    assert spans[0][0] == chart.LEFT
    assert chart_of(face([sample(0.0, 0.5)]), 1.0, 0.6).undecided == ()


def test_the_switch_and_the_alarm_are_marked() -> None:
    drawn = chart_of(face([sample(0.0, 0.9)], fake_since_s=2.0, alarm_at_s=4.0), 10.0, 0.6)
    assert [mark.text for mark in drawn.events] == ["swap since", "alarm"]
    assert drawn.events[0].at < drawn.events[1].at


@pytest.mark.parametrize(
    ("played_s", "texts"),
    [
        (0.5, ["0:00"]),
        (3.0, ["0:00", "0:01", "0:02", "0:03"]),
        (600.0, ["0:00", "2:00", "4:00", "6:00", "8:00", "10:00"]),
    ],
)
def test_there_are_a_few_round_times(played_s: float, texts: list[str]) -> None:
    marks: tuple[Mark, ...] = chart_of(face([sample(0.0, 0.5)], last_s=0.0), played_s, 0.6).times
    assert [mark.text for mark in marks] == texts


@pytest.mark.parametrize(("at_s", "text"), [(0.0, "0:00.0"), (59.96, "1:00.0"), (65.24, "1:05.2")])
def test_a_moment_is_told_to_the_tenth(at_s: float, text: str) -> None:
    assert chart.moment(at_s) == text
