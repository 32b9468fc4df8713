"""Platt scaling by quality."""

from __future__ import annotations

import numpy as np
import pytest

from training.calibration.levels import Scored, calibrated, cross_fitted, fit_levels
from training.metrics import Floats, log_loss, sigmoid


def scored(temperature_of: dict[float, float], each: int = 3000, seed: int = 0) -> Scored:
    """Crops of some qualities, whose logits are `temperature` times too large at each."""
    rng = np.random.default_rng(seed)
    logits: list[Floats] = []
    fakes, quality = [], []
    for weight, temperature in temperature_of.items():
        true = rng.normal(0, 2, each)
        logits.append(true * temperature)
        fakes.append(rng.random(each) < sigmoid(true))
        quality.append(np.full(each, weight) + rng.uniform(0, 0.01, each))
    groups = rng.integers(0, 200, each * len(temperature_of)).astype(str)
    return Scored(np.concatenate(logits), np.concatenate(quality), np.concatenate(fakes), groups)


def test_each_level_gets_its_own_temperature() -> None:
    found = fit_levels(scored({0.1: 4.0, 0.4: 3.0, 0.7: 2.0, 0.95: 1.0}))
    at = {quality: found.at(quality).temperature for quality in (0.105, 0.405, 0.705, 0.955)}
    assert list(at.values()) == pytest.approx([4, 3, 2, 1], rel=0.1)
    assert found.at(0.0) == found.at(0.105), "the lowest level starts at nothing"


def test_a_poorer_picture_is_never_trusted_more() -> None:
    found = fit_levels(scored({0.1: 1.0, 0.4: 2.0, 0.7: 1.5, 0.95: 1.0}))
    temperatures = [level.temperature for level in found.levels]
    assert temperatures == sorted(temperatures, reverse=True)
    assert len(temperatures) < 4


def test_a_level_with_too_few_of_a_class_shares_its_neighbours() -> None:
    crops = scored({0.1: 2.0, 0.4: 2.0, 0.7: 2.0, 0.95: 1.0})
    poor = (crops.quality < 0.2) & crops.fake
    kept = ~poor | (np.cumsum(poor) <= 20)
    found = fit_levels(crops.of(kept))
    assert found.at(0.1) == found.at(0.4)


def test_without_enough_crops_there_is_one_level_for_all() -> None:
    found = fit_levels(scored({0.3: 2.0, 0.9: 1.0}, each=60))
    assert len(found.levels) == 1
    assert found.at(0.5).temperature == found.temperature


def test_one_class_is_refused() -> None:
    crops = scored({0.5: 1.0}, each=50)
    with pytest.raises(ValueError, match="both classes"):
        fit_levels(crops.of(crops.fake))


def test_calibrated_agrees_with_the_spec_crop_by_crop() -> None:
    crops = scored({0.1: 3.0, 0.5: 2.0, 0.9: 1.0}, each=500)
    found = fit_levels(crops)
    several = calibrated(found, crops.logits, crops.quality)
    for index in range(0, len(several), 97):
        level = found.at(float(crops.quality[index]))
        assert several[index] == crops.logits[index] / level.temperature + level.bias


def test_a_crop_has_no_part_in_the_fit_that_judges_it() -> None:
    crops = scored({0.2: 3.0, 0.8: 1.0}, each=800)
    after = cross_fitted(crops)
    assert log_loss(after, crops.fake) < log_loss(crops.logits, crops.fake)
    lone = crops.groups == "7"
    flipped = Scored(
        crops.logits, crops.quality, np.where(lone, ~crops.fake, crops.fake), crops.groups
    )
    assert np.array_equal(cross_fitted(flipped)[lone], after[lone])
