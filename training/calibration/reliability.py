"""How far probabilities are from frequencies, before and after, by level of quality."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engines.spec import Calibration
from training.calibration.levels import Scored, cross_fitted
from training.metrics import Floats, auc, brier, calibration_error, log_loss


@dataclass(frozen=True, slots=True)
class Reliability:
    """One level's crops from `above_quality` on, up to the next level; each figure before and
    after calibration. The figures after are those of crops that had no part in the fit.
    """

    above_quality: float
    reals: int
    fakes: int
    auc: float
    ece: tuple[float, float]
    brier: tuple[float, float]
    log_loss: tuple[float, float]


def reliability(scored: Scored, calibration: Calibration) -> list[Reliability]:
    """Judge each level, and at last all crops together (`above_quality` 0)."""
    after = cross_fitted(scored)
    starts = [level.above_quality for level in calibration.levels]
    ends = [*starts[1:], np.inf]
    whole = (0.0, np.inf)
    rows = []
    for start, end in [*zip(starts, ends, strict=True), whole]:
        inside = (scored.quality >= start) & (scored.quality < end)
        rows.append(_judged(start, scored.of(inside), after[inside]))
    return rows


def _judged(start: float, scored: Scored, after: Floats) -> Reliability:
    fake, before = scored.fake, scored.logits
    return Reliability(
        above_quality=start,
        reals=int((~fake).sum()),
        fakes=int(fake.sum()),
        auc=auc(before, fake),
        ece=(calibration_error(before, fake), calibration_error(after, fake)),
        brier=(brier(before, fake), brier(after, fake)),
        log_loss=(log_loss(before, fake), log_loss(after, fake)),
    )
