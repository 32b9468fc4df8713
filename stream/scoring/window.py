"""ScoreWindow: one track's evidence over the last seconds of media time."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from stream.scoring.calibration import probability_of
from stream.types import FaceScore, Reason


@dataclass(frozen=True, slots=True)
class WindowMean:
    """What a window holds at one moment. `probability_fake`, `start_s` and `newest_captured_at_s`
    are None while it is empty; `mean_quality` is then 0. `reasons` are those that lowered the
    quality of at least half of the samples.
    """

    samples: int
    probability_fake: float | None
    mean_quality: float
    start_s: float | None
    newest_captured_at_s: float | None
    reasons: tuple[Reason, ...]


class ScoreWindow:
    """Samples of one track, cut by media time and never by count: newest-wins drops frames
    unevenly, so a count would stretch the window exactly when the machine is short of time.

    The score is the quality-weighted mean of calibrated logits (the confidence weighting of the
    NtechLab entry to the DFDC challenge). Samples of weight 0 are not taken.
    """

    def __init__(self, length_s: float) -> None:
        self._length_s = length_s
        self._samples: deque[FaceScore] = deque()

    def add(self, score: FaceScore) -> None:
        """Take a sample; `score.logit` is calibrated. Times never go back within a track."""
        if score.quality.weight > 0:
            self._samples.append(score)

    def at(self, media_time_s: float) -> WindowMean:
        """Forget what is older than the window at `media_time_s` and give what is left."""
        oldest_s = media_time_s - self._length_s
        while self._samples and self._samples[0].media_time_s <= oldest_s:
            self._samples.popleft()
        count = len(self._samples)
        if not count:
            return WindowMean(0, None, 0.0, None, None, ())
        total = sum(s.quality.weight for s in self._samples)
        logit = sum(s.quality.weight * s.logit for s in self._samples) / total
        return WindowMean(
            samples=count,
            probability_fake=probability_of(logit),
            mean_quality=total / count,
            start_s=self._samples[0].media_time_s,
            newest_captured_at_s=self._samples[-1].captured_at_s,
            reasons=self._common_reasons(count),
        )

    def _common_reasons(self, count: int) -> tuple[Reason, ...]:
        seen = [reason for s in self._samples for reason in s.quality.reasons]
        return tuple(r for r in Reason if 2 * seen.count(r) >= count)
