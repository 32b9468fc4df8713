"""Verdict: a state with hysteresis, and the reasons for abstaining."""

from __future__ import annotations

from stream.scoring.options import ScoringOptions
from stream.scoring.window import WindowMean
from stream.types import FaceState, Reason


class Verdict:
    """One track's state. It is entered at its threshold and left `hysteresis` below it, so a
    score that hovers at a threshold does not flicker.

    Too few samples or too poor a picture give `undecided` with the reason, whatever the score:
    a calibration fails exactly where the picture does, so a number there would mislead.
    """

    def __init__(self, options: ScoringOptions) -> None:
        self._options = options
        self._state = FaceState.UNDECIDED

    def decide(self, mean: WindowMean) -> tuple[FaceState, tuple[Reason, ...]]:
        """The state after this window, and why (empty where nothing is withheld or weak)."""
        lacking = self._lacking(mean)
        if lacking or mean.probability_fake is None:
            self._state = FaceState.UNDECIDED
            return self._state, lacking
        self._state = self._by_score(mean.probability_fake)
        return self._state, mean.reasons

    def _lacking(self, mean: WindowMean) -> tuple[Reason, ...]:
        if mean.samples < self._options.min_samples:
            return (Reason.FEW_SAMPLES, *mean.reasons)
        if mean.mean_quality < self._options.min_quality:
            return (Reason.LOW_QUALITY, *mean.reasons)
        return ()

    def _by_score(self, probability: float) -> FaceState:
        options = self._options
        held = options.hysteresis if self._state is FaceState.FAKE else 0.0
        if probability >= options.fake_above - held:
            return FaceState.FAKE
        held = options.hysteresis if self._state in {FaceState.FAKE, FaceState.SUSPICIOUS} else 0.0
        if probability >= options.suspicious_above - held:
            return FaceState.SUSPICIOUS
        return FaceState.NO_EVIDENCE


_ORDER = (
    FaceState.FAKE,
    FaceState.SUSPICIOUS,
    FaceState.UNDECIDED,
    FaceState.NO_EVIDENCE,
)


def worst_state(states: set[FaceState]) -> FaceState | None:
    """The state that a stream of such faces is in; None without a face.

    `undecided` is worse than `no_evidence`: somebody is in sight of whom nothing can be said.
    """
    return next((state for state in _ORDER if state in states), None)
