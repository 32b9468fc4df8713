"""How small the channel sees a face."""

from __future__ import annotations

import numpy as np
import pytest

from tests.training.channel.pictures import textured
from training.channel.scale import ENLARGE, SHRINK, SMALLEST_PX, Scale


@pytest.mark.parametrize(("share", "side"), [(0, 48), (0.5, 96), (1, 192), (1.5, 384)])
def test_the_share_runs_on_a_logarithmic_scale_from_the_smallest_face(
    share: float, side: int
) -> None:
    assert Scale(share).side(192) == side


def test_a_face_below_the_smallest_keeps_its_size() -> None:
    assert Scale(0.3).side(SMALLEST_PX - 8) == SMALLEST_PX - 8


@pytest.mark.parametrize("shrink", SHRINK)
@pytest.mark.parametrize("enlarge", ENLARGE)
def test_a_face_comes_back_at_its_own_size_and_without_its_finest_texture(
    shrink: int, enlarge: int
) -> None:
    picture = textured(0, 145)
    scale = Scale(0.2, shrink, enlarge)
    small = scale.captured(picture)
    back = scale.restored(small, 145)
    assert small.shape == (60, 60, 3)
    assert back.shape == picture.shape
    assert sharpness(back) < 0.65 * sharpness(picture)
    assert abs(float(back.mean()) - float(picture.mean())) < 2


def sharpness(picture: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> float:
    return float(np.abs(np.diff(picture.astype(float), axis=1)).mean())
