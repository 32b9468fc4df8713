"""The channel as training draws it."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

from tests.training.sample_data import drawn_face
from training.channel import Channel, Strength, sample
from training.channel.channel import UNTOUCHED

FACE = drawn_face(3, fake=False, size=112)
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
    picture = drawn_face(1, fake=True, size=side)
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
