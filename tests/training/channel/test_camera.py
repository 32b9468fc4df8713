"""Blur, light, noise and sharpening."""

from __future__ import annotations

import numpy as np
import pytest

from tests.training.channel.pictures import textured
from training.channel.camera import Defocus, Light, MotionBlur, Noise, Sharpen
from training.channel.stage import Pixels

DOT = np.zeros((224, 224, 3), np.uint8)
DOT[112, 112] = 255


def rng() -> np.random.Generator:
    return np.random.default_rng(5)


def flat(level: int) -> Pixels:
    return np.full((96, 96, 3), level, np.uint8)


def spread_of(dot: Pixels) -> tuple[float, float]:
    """Standard deviation of a point's light, across and down."""
    light = dot[..., 0].astype(float)
    rows, columns = np.mgrid[: dot.shape[0], : dot.shape[1]]
    total = light.sum()
    x, y = (columns * light).sum() / total, (rows * light).sum() / total
    return (
        float(np.sqrt(((columns - x) ** 2 * light).sum() / total)),
        float(np.sqrt(((rows - y) ** 2 * light).sum() / total)),
    )


def test_defocus_spreads_a_point_by_its_sigma() -> None:
    across, down = spread_of(Defocus(2.0)(DOT, rng()))
    assert across == pytest.approx(2, abs=0.25)
    assert down == pytest.approx(2, abs=0.25)


def test_a_crop_of_half_the_size_is_blurred_by_half_the_pixels() -> None:
    small = np.zeros((112, 112, 3), np.uint8)
    small[56, 56] = 255
    assert spread_of(Defocus(3.0)(small, rng()))[0] == pytest.approx(1.5, abs=0.2)


def test_motion_blurs_along_its_stroke_only() -> None:
    across, down = spread_of(MotionBlur(8.0, 0.0)(DOT, rng()))
    assert across == pytest.approx(8 / np.sqrt(12), abs=0.3)  # of an even stroke of 8 px
    assert down == pytest.approx(0, abs=0.1)
    across, down = spread_of(MotionBlur(8.0, np.pi / 2)(DOT, rng()))
    assert across < 0.1 < 2 < down


@pytest.mark.parametrize("blur", [Defocus(2.0), MotionBlur(6.0, 0.7)])
def test_blur_keeps_the_light(blur: Defocus | MotionBlur) -> None:
    picture = textured(1)
    assert float(blur(picture, rng()).mean()) == pytest.approx(float(picture.mean()), abs=1)


def test_light_applies_gain_offset_and_gamma_to_each_colour() -> None:
    lit = Light((0.5, 1.0, 1.5), offset=0.1, gamma=2.0)(flat(102), rng())  # 102 is 0.4
    assert lit[0, 0] == pytest.approx([0.18 * 255, 0.26 * 255, 0.34 * 255], abs=1)


def test_neutral_light_changes_nothing() -> None:
    picture = textured(2)
    assert np.array_equal(Light((1, 1, 1), 0, 1)(picture, rng()), picture)


def test_noise_has_its_standard_deviation_and_no_offset() -> None:
    noise = Noise(4.0)(flat(128), rng()).astype(float) - 128
    assert noise.std() == pytest.approx(4, rel=0.05)
    assert abs(noise.mean()) < 0.1


def test_shot_noise_grows_with_light() -> None:
    noise = Noise(2.0, shot=8.0)
    dark, light = (noise(flat(level), rng()).astype(float).std() for level in (40, 200))
    assert dark == pytest.approx(np.sqrt(4 + 64 * 40 / 255), rel=0.05)
    assert light == pytest.approx(np.sqrt(4 + 64 * 200 / 255), rel=0.05)


def test_two_pictures_meet_the_same_noise() -> None:
    noise = Noise(3.0)
    first, second = (noise(flat(level), rng()).astype(int) - level for level in (100, 150))
    assert np.array_equal(first, second)


def test_sharpening_steepens_edges_and_leaves_plains() -> None:
    picture = flat(100)
    picture[:, 48:] = 150
    sharp = Sharpen(1.0, 1.0)(picture, rng())
    assert np.ptp(sharp) > 60
    assert np.all(sharp[:, :40] == 100)
