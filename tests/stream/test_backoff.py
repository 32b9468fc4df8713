"""Backoff: eager for half a minute, then ever more patient, never in step with others."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.backoff import Backoff


def test_pauses_are_at_most_half_a_second_in_the_first_thirty_seconds() -> None:
    backoff = Backoff(100.0, random.Random(1))
    pauses = [backoff.pause_s(100.0 + tenth / 10) for tenth in range(300)]
    assert all(0 < pause <= 0.5 for pause in pauses)


def test_pauses_then_double_to_fifteen_seconds_and_stay_there() -> None:
    class Longest(random.Random):
        def uniform(self, a: float, b: float) -> float:
            return b

    backoff = Backoff(0.0, Longest())
    assert [backoff.pause_s(31.0) for _ in range(7)] == [1.0, 2.0, 4.0, 8.0, 15.0, 15.0, 15.0]


def test_two_streams_do_not_try_in_step() -> None:
    one, other = Backoff(0.0, random.Random(1)), Backoff(0.0, random.Random(2))
    pauses = {backoff.pause_s(1.0) for backoff in (one, other) for _ in range(5)}
    assert len(pauses) == 10


@pytest.mark.parametrize("now_s", [0.0, 29.9])
def test_eagerness_counts_from_the_loss_and_not_from_zero(now_s: float) -> None:
    assert Backoff(1000.0, random.Random(0)).pause_s(1000.0 + now_s) <= 0.5


@given(
    seed=st.integers(0, 2**32),
    waits_s=st.lists(st.floats(0, 60, allow_nan=False), min_size=1, max_size=60),
)
def test_a_pause_is_never_zero_and_never_beyond_fifteen_seconds(
    seed: int, waits_s: list[float]
) -> None:
    backoff, now_s = Backoff(0.0, random.Random(seed)), 0.0
    for wait_s in waits_s:
        now_s += wait_s
        assert 0.25 <= backoff.pause_s(now_s) <= 15.0
