"""One disturbance at a known strength."""

from __future__ import annotations

import pickle
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.training.channel.pictures import faces, textured
from training.channel.levels import LEVELS, at_level

QUICK = sorted(LEVELS.keys() - {"h264", "vp8"})


@pytest.mark.parametrize("kind", [*QUICK, "vp8", "h264"])
def test_a_seed_repeats_itself_and_another_differs_where_chance_is_at_work(kind: str) -> None:
    picture = textured(0, 61)
    before = picture.copy()
    disturb = at_level(kind, LEVELS[kind][-1])
    first = disturb(picture, 1)
    assert first.shape == picture.shape
    assert first.dtype == np.uint8
    sent = pickle.loads(pickle.dumps(disturb))
    assert np.array_equal(first, sent(picture, 1))
    assert np.array_equal(picture, before)
    chance = kind in {"noise", "jpeg", "vp8", "h264"}
    assert np.array_equal(first, disturb(picture, 2)) is not chance


@pytest.mark.parametrize("kind", ["jpeg", "scale", "blur", "noise"])
def test_each_level_costs_more_than_the_one_before(kind: str) -> None:
    picture = textured(0, 224)
    kept = [cv2.PSNR(picture, at_level(kind, level)(picture, 0)) for level in LEVELS[kind]]
    assert kept == sorted(kept, reverse=True)
    assert kept[0] > kept[-1] + 3


def test_brightness_is_a_gain() -> None:
    picture = np.full((32, 32, 3), 80, np.uint8)
    assert at_level("brightness", 0.5)(picture, 0).mean() == pytest.approx(40, abs=1)
    assert at_level("brightness", 2)(picture, 0).mean() == pytest.approx(160, abs=1)


def test_a_face_smaller_than_the_level_keeps_its_pixels() -> None:
    picture = textured(0, 100)
    assert np.array_equal(at_level("scale", 112)(picture, 0), picture)


@pytest.mark.data
@pytest.mark.parametrize("kind", ["h264", "vp8"])
def test_faces_lose_more_at_each_lower_bitrate(kind: str, data_dir: Path) -> None:
    pictures = faces(data_dir, 2)
    kept = [
        np.mean([cv2.PSNR(face, at_level(kind, level)(face, 0)) for face in pictures])
        for level in (1000, 300, 80)
    ]
    assert kept[0] > kept[1] > kept[2]
    assert kept[0] - kept[2] > 1.5


def test_an_unknown_kind_is_refused_with_the_names_of_all() -> None:
    with pytest.raises(ValueError, match=r"'fog'.*jpeg.*vp8"):
        at_level("fog", 1)
