"""Verdict: a state with hysteresis, and the reasons for abstaining."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from stream.scoring.cusum import Cusum
from stream.scoring.options import ScoringOptions
from stream.scoring.window import WindowMean
from stream.types import FaceState, Reason

SUSPICIOUS_SHARE: Final = 0.5
"""Of the alarm's threshold: the share of the sum at which a face is suspicious."""

HELD_SHARE: Final = 0.5
"""A level of the sum is left at half of where it was entered: a sum that hovers at a threshold does
not flicker, and one that was once an alarm is at least suspicious on its way down."""


@dataclass(frozen=True, slots=True)
class Decision:
    """A state at one moment, and why (empty where nothing is withheld or weak).

    `fake_since_s` is the media time at which the swap was switched on, None unless the state is
    fake and the alarm is a cumulative sum's. `undecided_s` is how long nothing could be said so
    far. `alarmed` is True at the moment of the alarm only.
    """

    state: FaceState
    reasons: tuple[Reason, ...] = ()
    fake_since_s: float | None = None
    undecided_s: float = 0.0
    alarmed: bool = False


class Verdict:
    """One track's state.

    Too few samples or too poor a picture give `undecided` with the reason, whatever the score:
    a calibration fails exactly where the picture does, so a number there would mislead. An alarm
    that was raised on good evidence is held through them until the window is empty; then the
    sum is forgotten too, since nothing says any more that it is about who is seen now.

    With a `cusum` it decides about `fake`. Without one, for weights whose false alarms were never
    counted, the window's probability does, and no alarm is held.
    """

    def __init__(self, options: ScoringOptions, cusum: Cusum | None = None) -> None:
        self._options = options
        self._cusum = cusum
        self._state = FaceState.UNDECIDED
        self._undecided_from_s: float | None = None

    def decide(self, mean: WindowMean, media_time_s: float) -> Decision:
        """The state after this window; call it for each frame, in order of media time."""
        before = self._state
        if self._cusum and not mean.samples:
            self._cusum.forget()
        lacking = self._lacking(mean)
        self._state = self._next(mean.probability_fake, lacking)
        undecided_s = self._undecided_s(media_time_s)
        reasons = lacking or mean.reasons
        if undecided_s >= self._options.long_undecided_s:
            reasons = (*reasons, Reason.LONG_UNDECIDED)
        fake = self._state is FaceState.FAKE
        return Decision(
            self._state,
            reasons,
            self._cusum.change_s if fake and self._cusum else None,
            undecided_s,
            alarmed=fake and before is not FaceState.FAKE,
        )

    def _lacking(self, mean: WindowMean) -> tuple[Reason, ...]:
        if mean.samples < self._options.min_samples or mean.probability_fake is None:
            return (Reason.FEW_SAMPLES, *mean.reasons)
        if mean.mean_quality < self._options.min_quality:
            return (Reason.LOW_QUALITY, *mean.reasons)
        return ()

    def _next(self, probability: float | None, lacking: tuple[Reason, ...]) -> FaceState:
        if lacking or probability is None:
            held = self._state is FaceState.FAKE and self._sum_reaches(1.0, held=True)
            return FaceState.FAKE if held else FaceState.UNDECIDED
        if self._is_fake(probability):
            return FaceState.FAKE
        return FaceState.SUSPICIOUS if self._is_suspicious(probability) else FaceState.NO_EVIDENCE

    def _is_fake(self, probability: float) -> bool:
        held = self._state is FaceState.FAKE
        if self._cusum:
            return self._sum_reaches(1.0, held)
        return probability >= self._options.fake_above - held * self._options.hysteresis

    def _is_suspicious(self, probability: float) -> bool:
        held = self._state in {FaceState.FAKE, FaceState.SUSPICIOUS}
        if probability >= self._options.suspicious_above - held * self._options.hysteresis:
            return True
        return self._sum_reaches(SUSPICIOUS_SHARE, held)

    def _sum_reaches(self, share: float, held: bool) -> bool:
        if self._cusum is None:
            return False
        return self._cusum.share >= (share * HELD_SHARE if held else share)

    def _undecided_s(self, media_time_s: float) -> float:
        if self._state is not FaceState.UNDECIDED:
            self._undecided_from_s = None
            return 0.0
        if self._undecided_from_s is None:
            self._undecided_from_s = media_time_s
        return media_time_s - self._undecided_from_s


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
