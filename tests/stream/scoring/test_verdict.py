"""Verdict: states with hysteresis, and abstention with its reason."""

from __future__ import annotations

import pytest

from stream.scoring.options import ScoringOptions
from stream.scoring.verdict import Verdict, worst_state
from stream.scoring.window import WindowMean
from stream.types import FaceState, Reason

UNDECIDED, NO_EVIDENCE = FaceState.UNDECIDED, FaceState.NO_EVIDENCE
SUSPICIOUS, FAKE = FaceState.SUSPICIOUS, FaceState.FAKE
OPTIONS = ScoringOptions(
    min_samples=4, min_quality=0.3, suspicious_above=0.6, fake_above=0.8, hysteresis=0.1
)


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
    return [verdict.decide(mean(probability))[0] for probability in probabilities]


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
    assert verdict.decide(mean(probability, samples=3)) == (UNDECIDED, (Reason.FEW_SAMPLES,))
    assert verdict.decide(mean(probability, samples=4))[0] is not UNDECIDED


@pytest.mark.parametrize("probability", [0.0, 0.5, 0.99])
def test_too_poor_a_picture_is_undecided_whatever_the_score(probability: float) -> None:
    verdict = Verdict(OPTIONS)
    poor = mean(probability, quality=0.29, reasons=(Reason.BLURRED,))
    assert verdict.decide(poor) == (UNDECIDED, (Reason.LOW_QUALITY, Reason.BLURRED))
    assert verdict.decide(mean(probability, quality=0.3))[0] is not UNDECIDED


def test_an_empty_window_is_undecided_for_want_of_samples() -> None:
    empty = WindowMean(0, None, 0.0, None, None, ())
    assert Verdict(OPTIONS).decide(empty) == (UNDECIDED, (Reason.FEW_SAMPLES,))


def test_without_a_probability_nothing_is_decided() -> None:
    assert Verdict(OPTIONS).decide(mean(None))[0] is UNDECIDED


def test_a_decided_state_names_what_weakens_its_evidence() -> None:
    weak = mean(0.9, reasons=(Reason.BLURRED,))
    assert Verdict(OPTIONS).decide(weak) == (FAKE, (Reason.BLURRED,))
    assert Verdict(OPTIONS).decide(mean(0.9)) == (FAKE, ())


def test_after_abstaining_a_state_must_be_entered_anew() -> None:
    verdict = Verdict(OPTIONS)
    verdict.decide(mean(0.9))
    verdict.decide(mean(0.9, samples=1))
    assert verdict.decide(mean(0.75))[0] is SUSPICIOUS


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
    ],
    ids=str,
)
def test_options_that_make_no_sense_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        ScoringOptions(**wrong)  # type: ignore[arg-type]
