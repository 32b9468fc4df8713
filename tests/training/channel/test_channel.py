"""The channel as training draws it."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from tests.training.channel.pictures import faces, textured
from training.channel import Channel, Strength, sample
from training.channel.channel import UNTOUCHED

FACE = textured(3)
CHANNELS = 60


def drawn(strength: Strength) -> list[Channel]:
    return [sample(np.random.default_rng(seed), strength) for seed in range(CHANNELS)]


def test_no_channel_gives_the_picture_back() -> None:
    assert all(np.array_equal(channel.apply(FACE), FACE) for channel in drawn("none"))


@pytest.mark.parametrize("strength", get_args(Strength))
def test_a_channel_repeats_itself_and_leaves_its_input_alone(strength: Strength) -> None:
    before = FACE.copy()
    for channel in drawn(strength):
        first = channel.apply(FACE)
        assert np.array_equal(first, channel.apply(before.copy()))
        assert np.array_equal(FACE, before)


@pytest.mark.parametrize("strength", ["mild", "live"])
def test_one_seed_draws_one_channel_and_another_seed_another(strength: Strength) -> None:
    assert drawn(strength) == drawn(strength)
    assert len({repr(channel) for channel in drawn(strength)}) == CHANNELS


@pytest.mark.parametrize("strength", ["mild", "live"])
@pytest.mark.parametrize("side", [40, 64, 129, 177, 224])
def test_size_and_type_are_kept(strength: Strength, side: int) -> None:
    picture = textured(1, side)
    for channel in drawn(strength)[:20]:
        after = channel.apply(picture)
        assert after.shape == picture.shape
        assert after.dtype == np.uint8


@pytest.mark.parametrize("strength", ["mild", "live"])
def test_the_stated_share_of_channels_changes_nothing(strength: Strength) -> None:
    same = sum(
        np.array_equal(sample(np.random.default_rng([7, seed]), strength).apply(FACE), FACE)
        for seed in range(200)
    )
    assert same / 200 == pytest.approx(UNTOUCHED[strength], abs=0.1)


@pytest.mark.parametrize("strength", ["mild", "live"])
def test_a_pair_meets_the_same_channel_whatever_it_shows(strength: Strength) -> None:
    other = np.asarray(255 - FACE[::-1], np.uint8)
    for channel in drawn(strength):
        after = []
        for picture in (FACE, other):
            rng = np.random.default_rng(channel.seed)
            seen = picture if channel.scale is None else channel.scale.captured(picture)
            for stage in channel.stages:
                seen = stage(seen, rng)
            after.append(str(rng.bit_generator.state))
        assert after[0] == after[1]


def test_a_channel_travels_to_another_process() -> None:
    for channel in drawn("live")[:20]:
        sent = pickle.loads(pickle.dumps(channel))
        assert np.array_equal(sent.apply(FACE), channel.apply(FACE))


@pytest.mark.data
def test_live_costs_faces_more_than_mild_does(data_dir: Path) -> None:
    pictures = faces(data_dir, 6)
    kept = {}
    for strength in ("mild", "live"):
        losses = [
            np.abs(channel.apply(pictures[k % 6]).astype(float) - pictures[k % 6]).mean()
            for k, channel in enumerate(drawn(strength))
        ]
        kept[strength] = np.mean(losses)
    assert kept["live"] > 1.5 * kept["mild"] > 0
