"""What leaves a face real."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.training.portraits import drawn_portrait
from training.fakes.masks import hull_mask, whole_face
from training.fakes.shape import fit_shape
from training.negatives import KINDS, disturb
from training.portrait import Portrait


@pytest.fixture(params=sorted(KINDS))
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_the_picture_changes_and_keeps_size_and_type(kind: str) -> None:
    changed = 0
    for seed in range(10):
        portrait = drawn_portrait(seed)
        before = portrait.pixels.copy()
        after = KINDS[kind](portrait, np.random.default_rng(seed))
        assert after.shape == before.shape
        assert after.dtype == np.uint8
        np.testing.assert_array_equal(portrait.pixels, before)
        changed += bool((after != before).any())
    assert changed >= 9


def test_a_virtual_background_leaves_the_inner_face_alone() -> None:
    for seed in range(10):
        portrait = drawn_portrait(seed)
        after = KINDS["virtual background"](portrait, np.random.default_rng(seed))
        apart = np.abs(after.astype(int) - portrait.pixels).max(axis=2)
        shape = fit_shape(portrait.landmarks)
        inner = hull_mask(shape.points[17:], portrait.pixels.shape[:2]) > 0
        outer = hull_mask(whole_face(shape), portrait.pixels.shape[:2]) == 0
        assert apart[inner].mean() < 1
        assert apart[outer].mean() > 3


def test_smoothing_lowers_and_sharpening_raises_the_detail() -> None:
    def detail(pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> float:
        return float(np.abs(np.diff(pixels.astype(float), axis=1)).mean())

    for seed in range(5):
        portrait = drawn_portrait(seed)
        rng = np.random.default_rng(seed)
        before = detail(portrait.pixels)
        assert detail(KINDS["beauty filter"](portrait, rng)) < before
        assert detail(KINDS["denoising"](portrait, rng)) < before
        assert detail(KINDS["over-sharpening"](portrait, rng)) > before
        assert detail(KINDS["night gain"](portrait, rng)) > before


def test_disturb_draws_every_kind_and_repeats_itself() -> None:
    portrait = drawn_portrait(3)
    drawn = [disturb(portrait, np.random.default_rng(seed)).tobytes() for seed in range(40)]
    assert len(set(drawn)) > 30
    assert drawn[5] == disturb(portrait, np.random.default_rng(5)).tobytes()


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(points=st.lists(st.floats(-400, 600), min_size=10, max_size=10), seed=st.integers(0, 99))
def test_landmarks_anywhere_do_not_break_it(kind: str, points: list[float], seed: int) -> None:
    odd = Portrait(drawn_portrait(5).pixels, np.array(points, np.float32).reshape(5, 2))
    assert KINDS[kind](odd, np.random.default_rng(seed)).shape == (128, 128, 3)
