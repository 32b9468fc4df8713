"""All ways to make a fake: what they change, where, and what they leave alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.training.portraits import drawn_portrait
from training.fakes import METHODS, blend, forge
from training.portrait import Portrait

SEEDS = range(12)


@pytest.fixture(params=sorted(METHODS))
def method(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_only_what_the_mask_says_differs_from_the_base(method: str) -> None:
    for seed in SEEDS:
        fake = forge(
            method, drawn_portrait(seed), drawn_portrait(99 - seed), np.random.default_rng(seed)
        )
        assert fake.pixels.shape == fake.base.shape == (128, 128, 3)
        assert fake.pixels.dtype == fake.base.dtype == np.uint8
        assert fake.mask.shape == (128, 128)
        assert 0 <= fake.mask.min() <= fake.mask.max() <= 1
        untouched = fake.mask == 0
        np.testing.assert_array_equal(fake.pixels[untouched], fake.base[untouched])


def test_something_is_changed_where_the_mask_is_strong(method: str) -> None:
    changed = []
    for seed in SEEDS:
        fake = forge(
            method, drawn_portrait(seed), drawn_portrait(50 + seed), np.random.default_rng(seed)
        )
        apart = np.abs(fake.pixels.astype(int) - fake.base).mean(axis=2)
        if (strong := fake.mask > 0.5).any():
            changed.append(float(apart[strong].mean()))
    assert len(changed) > len(SEEDS) // 2
    assert np.median(changed) > 1


def test_the_base_is_the_target_but_for_self_blends_which_may_restyle_it(method: str) -> None:
    same = 0
    for seed in SEEDS:
        target = drawn_portrait(seed)
        fake = forge(method, target, drawn_portrait(50 + seed), np.random.default_rng(seed))
        same += bool((fake.base == target.pixels).all())
    if method == "self_blend":
        assert 0 < same < len(SEEDS)
    else:
        assert same == len(SEEDS)


def test_one_seed_makes_one_fake_and_the_inputs_stay_as_they_are(method: str) -> None:
    target, donor = drawn_portrait(1), drawn_portrait(2)
    before = target.pixels.copy(), donor.pixels.copy()
    first, second = (forge(method, target, donor, np.random.default_rng(7)) for _ in range(2))
    np.testing.assert_array_equal(first.pixels, second.pixels)
    np.testing.assert_array_equal(target.pixels, before[0])
    np.testing.assert_array_equal(donor.pixels, before[1])


def test_a_blend_of_ratio_nought_gives_the_targets_own_pixels() -> None:
    target, other = drawn_portrait(3).pixels, drawn_portrait(4).pixels
    nothing = blend(target, other, np.ones((128, 128), np.float32), ratio=0)
    np.testing.assert_array_equal(nothing.pixels, target)
    assert nothing.mask.max() == 0
    everything = blend(target, other, np.ones((128, 128), np.float32))
    np.testing.assert_array_equal(everything.pixels, other)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    points=st.lists(st.floats(-400, 600), min_size=10, max_size=10),
    seed=st.integers(0, 1000),
)
def test_landmarks_anywhere_do_not_break_it(method: str, points: list[float], seed: int) -> None:
    odd = Portrait(drawn_portrait(5).pixels, np.array(points, np.float32).reshape(5, 2))
    for target, donor in ((odd, drawn_portrait(6)), (drawn_portrait(6), odd)):
        fake = forge(method, target, donor, np.random.default_rng(seed))
        assert fake.pixels.shape == (128, 128, 3)
        assert np.isfinite(fake.mask).all()


def test_a_missing_donor_is_named() -> None:
    with pytest.raises(ValueError, match="landmark_warp needs a donor"):
        forge("landmark_warp", drawn_portrait(0), None, np.random.default_rng(0))


def test_the_bottleneck_takes_the_detail_within_the_mask() -> None:
    ratios = []
    for seed in range(20):
        fake = forge(
            "swap_network", drawn_portrait(seed), drawn_portrait(99), np.random.default_rng(seed)
        )
        inside = fake.mask > 0.95
        if inside.sum() < 200:
            continue
        detail = [
            np.abs(np.diff(picture.astype(float), axis=1))[inside[:, 1:]].mean()
            for picture in (fake.base, fake.pixels)
        ]
        ratios.append(detail[1] / detail[0])
    assert np.median(ratios) < 0.8
