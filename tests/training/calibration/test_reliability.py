"""Before and after, by level."""

from __future__ import annotations

import numpy as np
import pytest

from engines.spec import AlarmModel
from training.calibration.levels import Scored, fit_levels
from training.calibration.live import play
from training.calibration.reliability import reliability
from training.calibration.sessions import Evidence
from training.metrics import sigmoid


def test_overconfident_levels_are_put_right_by_fits_that_never_saw_them() -> None:
    rng = np.random.default_rng(0)
    true = rng.normal(0, 2, 8000)
    quality = np.repeat([0.2, 0.8], 4000) + rng.uniform(0, 0.01, 8000)
    logits = true * np.where(quality < 0.5, 4, 1)
    groups = rng.integers(0, 400, 8000).astype(str)
    scored = Scored(logits, quality, rng.random(8000) < sigmoid(true), groups)
    fitted = fit_levels(scored)
    *levels, whole = reliability(scored, fitted)
    assert [row.above_quality for row in levels] == [each.above_quality for each in fitted.levels]
    assert sum(row.reals + row.fakes for row in levels) == whole.reals + whole.fakes == 8000
    poor = levels[0]
    assert poor.ece[1] < 0.04 < 0.08 < poor.ece[0]
    assert poor.log_loss[1] < poor.log_loss[0]
    assert poor.brier[1] < poor.brier[0]
    assert whole.auc == pytest.approx(0.87, abs=0.05)


def test_footage_is_played_to_the_live_sum_face_by_face() -> None:
    logits = np.array([[9.0] * 20, [-9.0] * 20, [9.0] * 20])
    weights = np.array([[1.0] * 20, [1.0] * 20, [0.0] * 20])
    seen = Evidence(logits, weights, 0.25, np.array(["a", "b", "c"]))
    # Two nats a crop, half of a correlation time apart: 1 - 0 a step from the second crop on.
    model = AlarmModel(2.0, 0.5, 0.0, 4.0, 0.0, 1.0)
    played = play(seen, model, 1.0)
    assert (played.faces, played.alarmed, played.seconds) == (3, 1, 5.0)
    assert played.delay_s == 1.0
