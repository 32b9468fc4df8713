"""Hashes that pictures share when they look alike."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.training.prepare.samples import noise
from training.prepare.phash import distances, neighbours, phash


def apart(one: int, other: int) -> int:
    return (one ^ other).bit_count()


def test_a_smaller_dimmer_recompressed_copy_is_near_and_another_picture_far() -> None:
    picture = noise(0, 224)
    done, data = cv2.imencode(".jpg", (picture // 2)[::2, ::2], [cv2.IMWRITE_JPEG_QUALITY, 60])
    assert done
    copy = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
    assert apart(phash(picture), phash(copy)) <= 2
    assert min(apart(phash(picture), phash(noise(seed, 224))) for seed in range(1, 20)) > 8


def test_the_mirror_image_is_another_picture() -> None:
    picture = noise(3, 224)
    mirrored = np.ascontiguousarray(picture[:, ::-1])
    assert apart(phash(picture), phash(mirrored)) > 8


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))
def test_distances_count_bits(one: int, other: int) -> None:
    left, right = np.array([one], np.uint64), np.array([other], np.uint64)
    assert distances(left, right).tolist() == [(one ^ other).bit_count()]


@pytest.mark.parametrize("near", [0, 1, 2, 5])
def test_the_bands_miss_no_pair(near: int) -> None:
    rng = np.random.default_rng(near)
    seeds = [int(value) for value in rng.integers(0, 2**63, 40)]
    hashes = set(seeds)
    for seed in seeds:
        for flips in range(1, 8):
            bits = rng.choice(64, flips, replace=False)
            hashes.add(seed ^ sum(1 << int(bit) for bit in bits))
    values = sorted(hashes)
    expected = [
        [j for j, other in enumerate(values) if other != own and apart(own, other) <= near]
        for own in values
    ]
    assert neighbours(values, near) == expected
    assert near == 0 or any(expected)


@pytest.mark.parametrize("near", [-1, 16])
def test_a_distance_that_makes_no_sense_is_refused(near: int) -> None:
    with pytest.raises(ValueError, match="0 to 15"):
        neighbours([], near)
