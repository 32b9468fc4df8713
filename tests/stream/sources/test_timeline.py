from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.sources.timeline import Timeline


@pytest.mark.parametrize(
    ("given_s", "placed_s"),
    [
        ([5.0, 5.04, 5.08], [0, 0.04, 0.08]),
        ([5.0, 5.5, 5.51], [0, 0.5, 0.51]),
        ([None, None, None], [0, 0.04, 0.08]),
        ([None, 7.0, 7.1], [0, 0.04, 0.14]),
        ([1.0, None, 1.08], [0, 0.04, 0.08]),
        ([1.0, 1.0, 1.04], [0, 0.001, 0.04]),
        ([0.0, 0.08, 0.04, 0.16, 0.12, 0.2], [0, 0.08, 0.081, 0.16, 0.161, 0.2]),
        ([1.0] * 7, [0, 0.001, 0.002, 0.003, 0.043, 0.083, 0.123]),
        ([9.0, 9.04, 1.0, 1.1], [0, 0.04, 0.08, 0.18]),
        ([0.0, 90_000.0, 90_000.1], [0, 0.04, 0.14]),
        ([0.0, 50.0], [0, 50.0]),
    ],
)
def test_media_time(given_s: list[float | None], placed_s: list[float]) -> None:
    timeline = Timeline(0.04)
    assert [timeline.place(at) for at in given_s] == pytest.approx(placed_s)


@given(st.lists(st.none() | st.floats(-1e9, 1e9), min_size=1))
def test_it_starts_at_zero_and_only_grows(given_s: list[float | None]) -> None:
    timeline = Timeline(0.04)
    placed = [timeline.place(at) for at in given_s]
    assert placed[0] == 0
    assert all(earlier < later for earlier, later in pairwise(placed))


def test_looking_ahead_changes_nothing() -> None:
    timeline = Timeline(0.04)
    assert timeline.peek(3.0) == 0
    timeline.place(2.0)
    assert timeline.peek(3.0) == 1.0
    assert timeline.peek(1.0) == -1.0
    assert timeline.place(2.04) == pytest.approx(0.04)
