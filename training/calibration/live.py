"""The footage through the sum that runs live, crop by crop."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engines.spec import AlarmModel
from stream.scoring.cusum import Cusum
from training.calibration.sessions import Evidence


@dataclass(frozen=True, slots=True)
class Played:
    """Of `faces`, `alarmed` raised an alarm, after `delay_s` in the median (None without any)."""

    faces: int
    seconds: float
    alarmed: int
    delay_s: float | None


def play(evidence: Evidence, model: AlarmModel, per_hour: float) -> Played:
    """Play each face's crops to a `stream.scoring.cusum.Cusum` of its own."""
    delays = [_first_alarm_s(evidence, row, model, per_hour) for row in range(len(evidence.people))]
    found = [delay for delay in delays if delay is not None]
    middle = float(np.median(found)) if found else None
    return Played(len(delays), evidence.seconds, len(found), middle)


def _first_alarm_s(
    evidence: Evidence, row: int, model: AlarmModel, per_hour: float
) -> float | None:
    cusum = Cusum(model, model.threshold(per_hour))
    pairs = zip(evidence.logits[row].tolist(), evidence.weights[row].tolist(), strict=True)
    for step, (logit, weight) in enumerate(pairs):
        if weight > 0:
            cusum.add(step * evidence.step_s, logit, weight)
        if cusum.share >= 1:
            return step * evidence.step_s
    return None
