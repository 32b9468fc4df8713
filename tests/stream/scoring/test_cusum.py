"""Cusum: the sum by hand, what bounds its rise, and how rarely it alarms on real faces."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.spec import AlarmModel
from stream.scoring.cusum import Cusum

THRESHOLD = 3.0


def model(clip: float = 2.0, correlation_s: float = 1.0, drift: float = 0.5) -> AlarmModel:
    return AlarmModel(clip, correlation_s, drift, THRESHOLD, 1.0, 1.0)


def cusum(**changes: float) -> Cusum:
    return Cusum(model(**changes), THRESHOLD)


def fed(crops: Iterable[tuple[float, float, float]], **changes: float) -> Cusum:
    """A sum after crops of (media time, logit, weight)."""
    made = cusum(**changes)
    for media_time_s, logit, weight in crops:
        made.add(media_time_s, logit, weight)
    return made


# -- by hand ------------------------------------------------------------------------------------

STEPS = [
    # media time, logit, weight -> sum, change point
    (0.00, 5.0, 1.0, 0.0, 0.00),  # the first crop only sets the clock
    (0.25, 5.0, 1.0, 0.375, 0.00),  # (clip 2 - drift 0.5) * 0.25 s / 1 s
    (0.75, 1.0, 0.5, 0.500, 0.00),  # half the weight: half of (1 - drift 0.5), for half a second
    (1.25, -1.0, 1.0, 0.0, 1.25),  # -1.5 * 0.5 would go below 0
    (4.25, 5.0, 1.0, 1.5, 1.25),  # 3 s without a crop: this one counts for one, no more
    (5.25, 5.0, 1.0, 3.0, 1.25),  # the threshold
    (6.25, 5.0, 1.0, 4.5, 1.25),
    (7.25, 5.0, 1.0, 5.0, 1.25),  # the cap: one clip above the threshold
    (8.25, -9.0, 1.0, 2.5, 1.25),  # -2 - 0.5
    (8.75, -9.0, 0.0, 2.5, 1.25),  # without weight nothing is said
]


def test_the_sum_is_the_one_worked_out_by_hand() -> None:
    made = cusum()
    assert (made.sum, made.change_s) == (0.0, None)
    for media_time_s, logit, weight, total, change_s in STEPS:
        made.add(media_time_s, logit, weight)
        assert made.sum == pytest.approx(total), media_time_s
        assert made.share == pytest.approx(total / 3), media_time_s
        assert made.change_s == change_s, media_time_s


def test_what_is_forgotten_leaves_no_trace() -> None:
    made = fed([(0.0, 5.0, 1.0), (1.0, 5.0, 1.0)])
    made.forget()
    assert (made.sum, made.change_s) == (0.0, None)
    made.add(50.0, 5.0, 1.0)
    assert (made.sum, made.change_s) == (0.0, 50.0), "a first crop again, not one after 49 s"


def test_a_swap_of_an_hour_is_recovered_from_as_fast_as_one_of_a_minute() -> None:
    def recovery_s(swapped_s: int) -> int:
        made = fed([(float(t), 5.0, 1.0) for t in range(swapped_s)])
        for waited_s in range(1, 100):
            made.add(swapped_s - 1.0 + waited_s, -5.0, 1.0)
            if made.sum == 0.0:
                return waited_s
        raise AssertionError("never")

    # From the cap, 5 nats, at 2.5 a second.
    assert recovery_s(3600) == recovery_s(60) == 2


# -- correlation --------------------------------------------------------------------------------

CROPS = st.lists(
    st.tuples(st.floats(0.001, 3.0), st.floats(-20, 20), st.floats(0, 1)), min_size=1, max_size=60
)


@given(CROPS, st.floats(0.2, 5.0), st.floats(0.5, 4.0))
def test_the_sum_never_rises_faster_than_one_clip_in_a_correlation_time(
    crops: list[tuple[float, float, float]], correlation_s: float, clip: float
) -> None:
    made = cusum(clip=clip, correlation_s=correlation_s, drift=0.0)
    sums, times_s = [0.0], [0.0]
    for step_s, logit, weight in crops:
        made.add(times_s[-1] + step_s, logit, weight)
        times_s.append(times_s[-1] + step_s)
        sums.append(made.sum)
    span_s = np.subtract.outer(times_s, times_s)
    rise = np.subtract.outer(sums, sums)
    later = span_s > 0
    assert (rise[later] <= span_s[later] / correlation_s * clip + 1e-9).all()


@given(CROPS)
def test_a_crop_scored_twice_adds_what_it_adds_once(
    crops: list[tuple[float, float, float]],
) -> None:
    once, twice = cusum(correlation_s=10.0), cusum(correlation_s=10.0)
    now_s = 0.0
    for made in (once, twice):
        made.add(now_s, 0.0, 1.0)
    for step_s, logit, weight in crops:
        once.add(now_s + step_s, logit, weight)
        twice.add(now_s + step_s / 2, logit, weight)
        twice.add(now_s + step_s, logit, weight)
        now_s += step_s
    assert twice.sum == pytest.approx(once.sum)


# -- when did it change -------------------------------------------------------------------------


def switched(seed: int, at_s: float, fps: float = 4.0) -> list[tuple[float, float, float]]:
    """A face that is real until `at_s`, then swapped: ratios of two Gaussians with d' = 2."""
    rng = np.random.default_rng(seed)
    times_s = np.arange(0, at_s + 10, 1 / fps)
    logits = np.where(times_s <= at_s, -2.0, 2.0) + 2 * rng.standard_normal(len(times_s))
    return [(float(t), float(logit), 1.0) for t, logit in zip(times_s, logits, strict=True)]


def test_the_change_is_found_within_a_correlation_time_in_nine_of_ten_streams() -> None:
    errors_s = []
    for seed in range(100):
        made = fed(switched(seed, 30.0), clip=4.0, correlation_s=1.5, drift=0.2)
        assert made.share >= 1, "ten seconds are enough for the alarm"
        assert made.change_s is not None
        errors_s.append(made.change_s - 30.0)
    assert np.percentile(np.abs(errors_s), 90) <= 1.5
    assert np.median(errors_s) == pytest.approx(0.0, abs=0.5), "neither early nor late"


# -- how often is it wrong ----------------------------------------------------------------------


def false_alarms(logits: Iterable[float], step_s: float, correlation_s: float) -> int:
    """Alarms over real faces' ratios, starting anew after each."""
    made = cusum(clip=1e9, correlation_s=correlation_s, drift=0.0)
    count = 0
    for index, logit in enumerate(logits):
        made.add(index * step_s, logit, 1.0)
        if made.share >= 1:
            made.sum = 0.0
            count += 1
    return count


def real_ratios(count: int) -> list[float]:
    """Log-likelihood ratios of real crops under two Gaussians with d' = 2: mean -2, variance 4."""
    return list(-2 + 2 * np.random.default_rng(7).standard_normal(count))


def test_independent_ratios_alarm_no_more_often_than_lordens_bound() -> None:
    ratios = real_ratios(100_000)
    alarms = false_alarms(ratios, 1.0, 1.0)
    assert 0 < alarms <= len(ratios) / math.exp(THRESHOLD)


def test_correlated_ratios_keep_the_bound_by_their_correlation_time_alone() -> None:
    # Eight crops a second, of which all within one second say the same.
    ratios = np.repeat(real_ratios(20_000), 8)
    bound = 20_000 / math.exp(THRESHOLD)
    assert false_alarms(ratios, 1 / 8, 1.0) <= bound
    assert false_alarms(ratios, 1 / 8, 1 / 8) > bound, "taken for independent, they break it"
