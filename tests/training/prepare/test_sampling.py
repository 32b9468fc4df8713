"""An even choice from a row whose length is not known beforehand."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from training.prepare.sampling import SPARE, EvenSample


def chosen(count: int, times: list[float]) -> list[float]:
    sample: EvenSample[float] = EvenSample(count)
    for time_s in times:
        if sample.wants(time_s):
            sample.add(time_s, time_s)
    found = sample.chosen()
    assert all(time_s == value for time_s, value in found)
    return [time_s for time_s, _ in found]


def test_few_values_are_all_chosen() -> None:
    assert chosen(4, []) == []
    assert chosen(4, [0.0, 0.1, 7.0]) == [0.0, 0.1, 7.0]


def test_many_are_spread_over_the_whole_time() -> None:
    found = chosen(5, [index / 10 for index in range(3000)])
    assert len(found) == 5
    # The middles of five equal spans of 300 s, to within the spacing of what is held.
    for time_s, middle in zip(found, (30, 90, 150, 210, 270), strict=True):
        assert abs(time_s - middle) < 300 / (SPARE * 5) + 1


def test_it_never_holds_more_than_four_times_as_many() -> None:
    sample: EvenSample[int] = EvenSample(2)
    for index in range(10_000):
        if sample.wants(index):
            sample.add(index, index)
        assert len(sample._held) <= SPARE * 2


@given(st.lists(st.floats(0, 1000), unique=True, max_size=60), st.integers(1, 6))
def test_it_chooses_distinct_values_in_order(times: list[float], count: int) -> None:
    found = chosen(count, sorted(times))
    assert found == sorted(set(found))
    assert len(found) <= count
    assert bool(found) == bool(times)
    assert len(found) == len(times) or len(times) > count
