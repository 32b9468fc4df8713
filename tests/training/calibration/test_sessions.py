"""Sessions drawn from scored seconds, and the sum over them."""

from __future__ import annotations

import numpy as np
import pytest

from engines.spec import AlarmModel
from stream.scoring.cusum import Cusum
from training.calibration.sessions import Evidence, Sum, first_crossing_s

STEP_S = 0.25


def evidence(rows: int = 6, length: int = 40, seed: int = 0) -> Evidence:
    rng = np.random.default_rng(seed)
    weights = rng.uniform(0.2, 1, (rows, length)) * (rng.random((rows, length)) < 0.8)
    people = np.array([f"p{row}" for row in range(rows)])
    return Evidence(rng.normal(1, 3, (rows, length)), weights, STEP_S, people)


def test_the_sum_is_that_of_the_live_code_crop_by_crop() -> None:
    seen, each = evidence(), Sum(clip=3.0, correlation_s=0.6, drift=0.4)
    model = AlarmModel(3.0, 0.6, 0.4, 1e6, 1.0, 0.0)
    sums = each.along(seen)
    for row in range(len(seen.people)):
        cusum = Cusum(model, model.threshold(1.0))
        for step in range(seen.logits.shape[1]):
            if seen.weights[row, step] > 0:
                cusum.add(step * STEP_S, seen.logits[row, step], seen.weights[row, step])
            assert sums[row, step] == pytest.approx(cusum.sum)


def test_a_session_holds_only_its_own_persons_crops_in_their_order() -> None:
    rows, length = 5, 30
    marks = np.arange(rows * length, dtype=np.float64).reshape(rows, length)
    seen = Evidence(marks, np.ones_like(marks), STEP_S, np.array(list("abcde")))
    drawn = seen.drawn(60, 2.0, np.random.default_rng(0))
    assert drawn.logits.shape == (rows, 240)
    assert (drawn.logits // length == np.arange(rows)[:, None]).all()
    follows = (drawn.logits[:, 1:] % length) == (drawn.logits[:, :-1] + 1) % length
    assert follows.mean() == pytest.approx(1 - STEP_S / 2.0, abs=0.05)


def test_logits_and_weights_stay_together() -> None:
    values = np.random.default_rng(1).normal(size=(4, 20))
    seen = Evidence(values, np.exp(values), STEP_S, np.array(list("abcd")))
    drawn = seen.drawn(30, 1.0, np.random.default_rng(2))
    assert np.allclose(drawn.weights, np.exp(drawn.logits))


def test_an_offset_is_the_mean_over_the_crops_by_their_weight() -> None:
    seen = Evidence(
        np.array([[1.0, 9.0, -3.0], [5.0, 5.0, 5.0]]),
        np.array([[1.0, 0.25, 0.0], [0.0, 0.0, 0.0]]),
        STEP_S,
        np.array(["a", "b"]),
    )
    assert seen.offsets(4.0).tolist() == [1.6, -np.inf]


def test_a_crossing_is_the_first_one_and_never_is_infinite() -> None:
    sums = np.array([[0.0, 2.0, 1.0, 3.0], [0.0, 0.5, 0.0, 1.9]])
    assert first_crossing_s(sums, 2.0, STEP_S).tolist() == [0.5, np.inf]
