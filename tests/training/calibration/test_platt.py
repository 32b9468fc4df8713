"""Platt scaling."""

from __future__ import annotations

import numpy as np
import pytest

from training.calibration.platt import balanced, fit_calibration
from training.metrics import log_loss, sigmoid


def test_overconfident_shifted_logits_are_put_right() -> None:
    rng = np.random.default_rng(0)
    true = rng.normal(0, 1.5, 20_000)
    fake = rng.random(20_000) < sigmoid(true)
    found = fit_calibration(3 * (true + 0.5), fake)
    assert found.temperature == pytest.approx(3, rel=0.05)
    assert found.bias == pytest.approx(-0.5, abs=0.05)


def test_it_never_makes_the_fitted_data_worse() -> None:
    rng = np.random.default_rng(1)
    fake = rng.random(500) < 0.5
    logits = rng.normal(fake * 1.0, 1.0)
    found = fit_calibration(logits, fake)
    assert log_loss(logits / found.temperature + found.bias, fake) <= log_loss(logits, fake)


def test_separable_classes_keep_a_finite_slope() -> None:
    found = fit_calibration(np.array([-2.0, -1, 1, 2]), np.array([False, False, True, True]))
    assert found.temperature > 0.1


@pytest.mark.parametrize("fake", [[True, True], [False, False]])
def test_one_class_is_refused(fake: list[bool]) -> None:
    with pytest.raises(ValueError, match="both classes"):
        fit_calibration(np.array([0.0, 1.0]), np.array(fake))


def test_reversed_labels_are_refused() -> None:
    logits = np.linspace(-5, 5, 200)
    with pytest.raises(ValueError, match="mean real"):
        fit_calibration(logits, logits < 0)


def test_a_crop_of_weight_two_counts_as_two_crops() -> None:
    rng = np.random.default_rng(2)
    fake = rng.random(300) < 0.5
    logits = rng.normal(fake * 2.0, 1.5)
    twice = rng.random(300) < 0.3
    weighted = fit_calibration(logits, fake, np.where(twice, 2.0, 1.0))
    repeated = fit_calibration(
        np.concatenate([logits, logits[twice]]), np.concatenate([fake, fake[twice]])
    )
    assert weighted.temperature == pytest.approx(repeated.temperature)
    assert weighted.bias == pytest.approx(repeated.bias)


def test_balanced_weights_take_the_prior_odds_away() -> None:
    rng = np.random.default_rng(3)
    fake = rng.random(40_000) < 0.1  # equal-variance Gaussians: the ratio's log is the logit itself
    ratio = rng.normal(np.where(fake, 2.0, -2.0), 2.0)
    found = fit_calibration(ratio, fake, balanced(fake))
    assert found.temperature == pytest.approx(1, rel=0.05)
    assert found.bias == pytest.approx(0, abs=0.06)
    assert fit_calibration(ratio, fake).bias == pytest.approx(np.log(1 / 9), abs=0.1)
