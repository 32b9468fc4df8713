"""The control that sees codec, size and sharpness only."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.training.evaluate.small import as_jpeg, examples_from, textured
from training.crops import read_picture
from training.evaluate.control import (
    blockiness,
    control_logits,
    features,
    jpeg_quality,
    noise,
    of_file,
)
from training.evaluate.examples import Examples
from training.evaluate.pictures import as_png
from training.metrics import auc


def grey(value: NDArray[np.float64]) -> NDArray[np.float32]:
    return value.astype(np.float32)


def coded(count: int, real: int, fake: int, seed: int = 0) -> Examples:
    """Pictures without any difference between the classes but their JPEG quality."""
    labels = [False] * count + [True] * count
    pictures = [textured(seed + index, 128) for index in range(2 * count)]
    files = [
        as_jpeg(picture, fake if label else real)
        for picture, label in zip(pictures, labels, strict=True)
    ]
    return examples_from([read_picture(data) for data in files], labels, files=files)


@pytest.mark.parametrize("quality", [30, 50, 75, 90, 95])
def test_the_quality_of_a_jpeg_is_read_from_its_tables(quality: int) -> None:
    found, bits, side = of_file(as_jpeg(textured(0, 128), quality))
    assert found == pytest.approx(quality, abs=1)
    assert side == 6  # log2 of 64 px
    assert 0 < 2**bits < 24


def test_a_png_has_no_quality() -> None:
    assert np.isnan(of_file(as_png(textured(0, 128)))[0])


def test_the_standards_own_table_is_quality_50() -> None:
    assert jpeg_quality([3688]) == 50


def test_blocks_are_seen_at_their_own_period_only() -> None:
    steps = np.repeat(np.repeat(np.random.default_rng(0).uniform(0, 255, (8, 8)), 8, 0), 8, 1)
    assert blockiness(grey(steps)) > 10
    assert blockiness(grey(np.roll(steps, (4, 4), (0, 1)))) < 0.1
    even = np.random.default_rng(0).normal(128, 9, (64, 64))
    assert blockiness(grey(even)) == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("spread", [2.0, 10.0])
def test_the_noise_of_a_ramp_is_what_was_added(spread: float) -> None:
    ramp = np.add.outer(np.arange(200.0), np.arange(200.0)) / 2
    noisy = ramp + np.random.default_rng(0).normal(0, spread, ramp.shape)
    assert noise(grey(noisy)) == pytest.approx(spread, rel=0.05)
    assert noise(grey(ramp)) < 0.1


def test_it_tells_classes_that_were_coded_differently_until_both_are_coded_alike() -> None:
    training, seen = coded(60, real=95, fake=60), coded(60, real=95, fake=60, seed=1000)
    assert auc(control_logits(seen, training), seen.fake) > 0.99
    again = seen.reencoded()
    after = auc(control_logits(again, training.reencoded()), seen.fake)
    assert after < 0.75


def test_it_finds_nothing_where_there_is_nothing() -> None:
    training, seen = coded(60, real=80, fake=80), coded(60, real=80, fake=80, seed=1000)
    assert auc(control_logits(seen, training), seen.fake) == pytest.approx(0.5, abs=0.12)
    shared = auc(control_logits(seen.reencoded(), training.reencoded()), seen.fake)
    assert shared == pytest.approx(0.5, abs=0.12)


def test_without_training_faces_it_never_scores_a_group_that_it_learnt_from() -> None:
    # Each group is one picture under one label, so that only a leak could tell the classes.
    pictures = [textured(index // 4, 128) for index in range(40)]
    rng = np.random.default_rng(0)
    label_of_group = rng.random(10) < 0.5
    labels = [bool(label_of_group[index // 4]) for index in range(40)]
    groups = [f"g{index // 4}" for index in range(40)]
    listed = examples_from(pictures, labels, groups)
    assert auc(control_logits(listed, None), listed.fake) < 0.8


def test_a_face_that_was_not_found_has_no_size() -> None:
    listed = coded(2, 80, 80)
    listed.looks.landmarks[0] = np.nan
    found = features(listed)
    assert np.isnan(found[0, -1])
    assert np.isfinite(found[1:]).all()
