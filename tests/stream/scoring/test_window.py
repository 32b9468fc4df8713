"""ScoreWindow: evidence of the last seconds of media time, weighed by quality."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.scoring.window import ScoreWindow, WindowMean
from stream.types import FaceScore, Reason
from tests.builders import score


def window(*samples: FaceScore, length_s: float = 5.0) -> ScoreWindow:
    filled = ScoreWindow(length_s)
    for sample in samples:
        filled.add(sample)
    return filled


def test_an_empty_window_knows_nothing() -> None:
    assert window().at(3.0) == WindowMean(0, None, 0.0, None, None, ())


def test_the_probability_is_that_of_the_mean_logit() -> None:
    # The mean of probabilities would be 0.5: logits of 0 and 2·ln 3 have the mean ln 3.
    mean = window(score(1.0, 0.0), score(2.0, 2 * math.log(3))).at(2.0)
    assert mean.probability_fake == pytest.approx(0.75)


def test_samples_weigh_as_much_as_their_quality() -> None:
    mean = window(score(1.0, 4 * math.log(3), 0.25), score(1.5, 0.0, 0.75)).at(2.0)
    assert mean.probability_fake == pytest.approx(0.75)
    assert mean.mean_quality == pytest.approx(0.5)
    assert mean.samples == 2


def test_a_sample_of_no_quality_never_counts() -> None:
    mean = window(score(1.0, 0.0), score(2.0, 12.0, 0.0, Reason.BLURRED)).at(2.0)
    assert (mean.samples, mean.probability_fake, mean.mean_quality) == (1, 0.5, 1.0)
    assert mean.newest_captured_at_s == 1.0
    assert mean.reasons == ()


@pytest.mark.parametrize(
    ("at_s", "samples"), [(4.0, 3), (4.99, 3), (5.01, 2), (6.01, 1), (6.99, 1), (7.01, 0)]
)
def test_the_window_is_cut_by_media_time(at_s: float, samples: int) -> None:
    assert window(score(0.0), score(1.0), score(2.0)).at(at_s).samples == samples


def test_many_samples_stay_as_long_as_few() -> None:
    dense = window(*(score(index / 100) for index in range(500)))
    assert dense.at(4.995).samples == 500
    assert dense.at(7.5).samples == pytest.approx(250, abs=1)


def test_what_has_left_the_window_is_forgotten() -> None:
    filled = window(score(0.0, 10.0), score(4.0, -10.0))
    assert filled.at(6.0).probability_fake == pytest.approx(0.0, abs=1e-4)
    assert filled.at(20.0) == WindowMean(0, None, 0.0, None, None, ())


def test_it_says_when_it_starts_and_when_its_newest_frame_was_captured() -> None:
    filled = window(score(1.0, captured_at_s=101.0), score(3.0, captured_at_s=103.0))
    mean = filled.at(4.0)
    assert (mean.start_s, mean.newest_captured_at_s) == (1.0, 103.0)
    assert filled.at(6.5).start_s == 3.0


@pytest.mark.parametrize(
    ("blurred", "sharp", "named"), [(1, 0, True), (2, 2, True), (2, 3, False), (0, 3, False)]
)
def test_a_reason_is_named_when_it_lowered_half_of_the_samples(
    blurred: int, sharp: int, named: bool
) -> None:
    samples = [score(1.0, 0.0, 0.5, Reason.BLURRED)] * blurred + [score(1.0)] * sharp
    expected = (Reason.BLURRED,) if named else ()
    assert window(*samples).at(1.0).reasons == expected


def test_several_common_reasons_are_all_named_once() -> None:
    both = score(1.0, 0.0, 0.2, Reason.BLURRED, Reason.FACE_TOO_SMALL)
    reasons = window(both, both).at(1.0).reasons
    assert sorted(reasons) == sorted({Reason.BLURRED, Reason.FACE_TOO_SMALL})


@given(
    logits=st.lists(st.floats(-12, 12), min_size=1, max_size=30),
    weights=st.lists(st.floats(0.01, 1), min_size=30, max_size=30),
)
def test_the_mean_lies_between_its_samples(logits: list[float], weights: list[float]) -> None:
    samples = [score(1.0, logit, weight) for logit, weight in zip(logits, weights, strict=False)]
    probability = window(*samples).at(1.0).probability_fake
    assert probability is not None
    low, high = (1 / (1 + math.exp(-limit)) for limit in (min(logits), max(logits)))
    assert low - 1e-9 <= probability <= high + 1e-9
