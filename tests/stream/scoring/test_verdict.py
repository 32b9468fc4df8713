"""Verdict: states with hysteresis, and abstention with its reason."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from engines.spec import AlarmModel
from stream.scoring.cusum import Cusum
from stream.scoring.options import ScoringOptions
from stream.scoring.verdict import Decision, Verdict, worst_state
from stream.scoring.window import WindowMean
from stream.types import FaceState, Reason

UNDECIDED, NO_EVIDENCE = FaceState.UNDECIDED, FaceState.NO_EVIDENCE
SUSPICIOUS, FAKE = FaceState.SUSPICIOUS, FaceState.FAKE
OPTIONS = ScoringOptions(
    min_samples=4, min_quality=0.3, suspicious_above=0.6, fake_above=0.8, hysteresis=0.1
)
EMPTY = WindowMean(0, None, 0.0, None, None, ())


def mean(
    probability: float | None = 0.5,
    *,
    samples: int = 10,
    quality: float = 1.0,
    reasons: tuple[Reason, ...] = (),
) -> WindowMean:
    return WindowMean(samples, probability, quality, 0.0, 1.0, reasons)


def states(*probabilities: float) -> list[FaceState]:
    verdict = Verdict(OPTIONS)
    return [verdict.decide(mean(probability), 0.0).state for probability in probabilities]


@pytest.mark.parametrize(
    ("probability", "state"),
    [
        (0.0, NO_EVIDENCE),
        (0.59, NO_EVIDENCE),
        (0.6, SUSPICIOUS),
        (0.79, SUSPICIOUS),
        (0.8, FAKE),
        (1.0, FAKE),
    ],
)
def test_a_state_is_entered_at_its_threshold(probability: float, state: FaceState) -> None:
    assert states(probability) == [state]


@pytest.mark.parametrize(
    ("probabilities", "expected"),
    [
        ((0.85, 0.75, 0.71), [FAKE, FAKE, FAKE]),
        ((0.85, 0.69), [FAKE, SUSPICIOUS]),
        ((0.85, 0.69, 0.75), [FAKE, SUSPICIOUS, SUSPICIOUS]),
        ((0.85, 0.55), [FAKE, SUSPICIOUS]),
        ((0.85, 0.49), [FAKE, NO_EVIDENCE]),
        ((0.65, 0.55, 0.51), [SUSPICIOUS, SUSPICIOUS, SUSPICIOUS]),
        ((0.65, 0.49, 0.55), [SUSPICIOUS, NO_EVIDENCE, NO_EVIDENCE]),
        ((0.75, 0.85), [SUSPICIOUS, FAKE]),
    ],
)
def test_a_state_is_left_only_below_its_threshold_less_the_hysteresis(
    probabilities: tuple[float, ...], expected: list[FaceState]
) -> None:
    assert states(*probabilities) == expected


def test_a_score_that_hovers_at_a_threshold_does_not_flicker() -> None:
    assert set(states(*([0.81, 0.79] * 10))) == {FAKE}


@pytest.mark.parametrize("probability", [0.0, 0.5, 0.99])
def test_too_few_samples_are_undecided_whatever_the_score(probability: float) -> None:
    verdict = Verdict(OPTIONS)
    few = verdict.decide(mean(probability, samples=3), 0.0)
    assert (few.state, few.reasons) == (UNDECIDED, (Reason.FEW_SAMPLES,))
    assert verdict.decide(mean(probability, samples=4), 0.0).state is not UNDECIDED


@pytest.mark.parametrize("probability", [0.0, 0.5, 0.99])
def test_too_poor_a_picture_is_undecided_whatever_the_score(probability: float) -> None:
    verdict = Verdict(OPTIONS)
    poor = verdict.decide(mean(probability, quality=0.29, reasons=(Reason.BLURRED,)), 0.0)
    assert (poor.state, poor.reasons) == (UNDECIDED, (Reason.LOW_QUALITY, Reason.BLURRED))
    assert verdict.decide(mean(probability, quality=0.3), 0.0).state is not UNDECIDED


def test_an_empty_window_is_undecided_for_want_of_samples() -> None:
    empty = Verdict(OPTIONS).decide(EMPTY, 0.0)
    assert (empty.state, empty.reasons) == (UNDECIDED, (Reason.FEW_SAMPLES,))


def test_without_a_probability_nothing_is_decided() -> None:
    assert Verdict(OPTIONS).decide(mean(None), 0.0).state is UNDECIDED


def test_a_decided_state_names_what_weakens_its_evidence() -> None:
    weak = Verdict(OPTIONS).decide(mean(0.9, reasons=(Reason.BLURRED,)), 0.0)
    assert (weak.state, weak.reasons) == (FAKE, (Reason.BLURRED,))
    assert Verdict(OPTIONS).decide(mean(0.9), 0.0).reasons == ()


def test_after_abstaining_a_state_must_be_entered_anew() -> None:
    verdict = Verdict(OPTIONS)
    verdict.decide(mean(0.9), 0.0)
    verdict.decide(mean(0.9, samples=1), 0.1)
    assert verdict.decide(mean(0.75), 0.2).state is SUSPICIOUS


def test_by_the_window_alone_nobody_knows_since_when() -> None:
    assert Verdict(OPTIONS).decide(mean(0.9), 7.0).fake_since_s is None


# -- by the sum ---------------------------------------------------------------------------------


class Case:
    """A verdict over a cumulative sum that a test sets; the threshold is 8 nats."""

    def __init__(self, options: ScoringOptions = OPTIONS) -> None:
        self.cusum = Cusum(AlarmModel(3.0, 1.0, 0.2, 8.0, 1.0, 1.0), 8.0)
        self.cusum.add(12.5, 0.0, 1.0)  # the change point
        self.verdict = Verdict(options, self.cusum)

    def decide(
        self, total: float, window: WindowMean | None = None, at_s: float = 20.0
    ) -> Decision:
        self.cusum.sum = total
        return self.verdict.decide(window or mean(0.3), at_s)


@pytest.mark.parametrize(
    ("totals", "expected"),
    [
        ((3.99, 4.0, 7.99, 8.0), [NO_EVIDENCE, SUSPICIOUS, SUSPICIOUS, FAKE]),
        ((8.0, 4.01, 3.99, 2.01, 1.99), [FAKE, FAKE, SUSPICIOUS, SUSPICIOUS, NO_EVIDENCE]),
        ((8.0, 3.99, 7.99), [FAKE, SUSPICIOUS, SUSPICIOUS]),
        ((8.0, 0.0), [FAKE, NO_EVIDENCE]),
    ],
)
def test_the_sum_alarms_at_its_threshold_and_each_level_is_left_at_half(
    totals: tuple[float, ...], expected: list[FaceState]
) -> None:
    case = Case()
    assert [case.decide(total).state for total in totals] == expected


def test_the_windows_probability_alone_makes_a_face_suspicious_but_never_fake() -> None:
    case = Case()
    assert case.decide(0.0, mean(0.99)).state is SUSPICIOUS
    assert case.decide(0.0, mean(0.55)).state is SUSPICIOUS
    assert case.decide(0.0, mean(0.45)).state is NO_EVIDENCE


def test_a_fake_face_names_the_moment_of_the_change_and_no_other_does() -> None:
    case = Case()
    since = [case.decide(total).fake_since_s for total in (7.0, 8.0, 9.0, 1.0)]
    assert since == [None, 12.5, 12.5, None]


def test_an_alarm_is_told_once_until_it_is_raised_anew() -> None:
    case = Case()
    totals = (7.0, 8.0, 9.0, 1.0, 8.0)
    assert [case.decide(total).alarmed for total in totals] == [False, True, False, False, True]


@pytest.mark.parametrize("poor", [{"samples": 3}, {"quality": 0.29}], ids=str)
def test_no_sum_alarms_while_evidence_is_lacking(poor: dict[str, Any]) -> None:
    case = Case()
    assert case.decide(11.0, mean(0.99, **poor)).state is UNDECIDED
    assert case.decide(11.0, mean(0.99)).state is FAKE, "it does once the picture is good"


def test_an_alarm_outlasts_poor_evidence_until_the_window_is_empty() -> None:
    case = Case()
    case.decide(8.0)
    held = case.decide(8.0, mean(0.9, quality=0.1, reasons=(Reason.BLURRED,)))
    assert (held.state, held.fake_since_s) == (FAKE, 12.5)
    assert held.reasons == (Reason.LOW_QUALITY, Reason.BLURRED)
    assert not held.alarmed
    gone = case.decide(8.0, EMPTY)
    assert (gone.state, gone.fake_since_s) == (UNDECIDED, None)
    assert case.cusum.sum == 0.0, "and starts anew: who is seen next is not known to be the same"


def test_an_alarm_is_not_held_against_evidence_that_has_turned() -> None:
    case = Case()
    case.decide(8.0)
    assert case.decide(3.9, mean(0.3, quality=0.1)).state is UNDECIDED


# -- nothing to say -----------------------------------------------------------------------------


def test_how_long_nothing_could_be_said_is_counted_in_media_time() -> None:
    verdict = Verdict(OPTIONS)
    few, enough = mean(samples=1), mean(0.2)
    told = [
        verdict.decide(window, at_s).undecided_s
        for window, at_s in ((few, 3.0), (few, 3.5), (enough, 4.0), (few, 9.0), (few, 11.0))
    ]
    assert told == [0.0, 0.5, 0.0, 0.0, 2.0]


@pytest.mark.parametrize(("at_s", "named"), [(29.9, False), (30.0, True), (500.0, True)])
def test_long_abstention_is_itself_a_reason(at_s: float, named: bool) -> None:
    verdict = Verdict(replace(OPTIONS, long_undecided_s=30.0))
    poor = mean(quality=0.1, reasons=(Reason.FACE_TOO_SMALL,))
    verdict.decide(poor, 0.0)
    reasons = verdict.decide(poor, at_s).reasons
    assert reasons[:2] == (Reason.LOW_QUALITY, Reason.FACE_TOO_SMALL)
    assert (Reason.LONG_UNDECIDED in reasons) is named


@pytest.mark.parametrize(
    ("present", "worst"),
    [
        (set(), None),
        ({NO_EVIDENCE}, NO_EVIDENCE),
        ({NO_EVIDENCE, UNDECIDED}, UNDECIDED),
        ({UNDECIDED, SUSPICIOUS}, SUSPICIOUS),
        ({NO_EVIDENCE, UNDECIDED, SUSPICIOUS, FAKE}, FAKE),
    ],
)
def test_a_stream_is_as_bad_as_its_worst_face(
    present: set[FaceState], worst: FaceState | None
) -> None:
    assert worst_state(present) is worst


@pytest.mark.parametrize(
    "wrong",
    [
        {"window_s": 0.0},
        {"window_s": -1.0},
        {"target_fps": 0.0},
        {"min_samples": 0},
        {"suspicious_above": 0.0},
        {"suspicious_above": 0.9},
        {"fake_above": 1.0},
        {"hysteresis": -0.1},
        {"hysteresis": 0.6},
        {"min_quality": 1.1},
        {"min_quality": -0.1},
        {"false_alarms_per_hour": 0.0},
        {"false_alarms_per_hour": float("inf")},
        {"long_undecided_s": 0.0},
    ],
    ids=str,
)
def test_options_that_make_no_sense_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        ScoringOptions(**wrong)  # type: ignore[arg-type]
