"""Balanced batches: pairs, masks, sources, and a position that says everything."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.training.sample_data import write_data
from training.examples import Draws, Mix
from training.manifest import Face, load_faces

BLENDS_ONLY = Mix(native=0, channel={"none": 1}, negatives=0)
NATIVE_ONLY = Mix(native=1, channel={"none": 1}, negatives=0)


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> list[Face]:
    return load_faces(write_data(tmp_path_factory.mktemp("data")), "train")


def test_a_batch_is_half_real_and_repeats_itself(faces: list[Face]) -> None:
    draws = Draws(faces, Mix(), seed=3)
    batch, again = draws.batch(16, 8, 64), draws.batch(16, 8, 64)
    assert batch.pixels.shape == (8, 64, 64, 3)
    assert batch.masks.shape == (8, 4, 4)
    assert batch.fake.tolist() == [0] * 4 + [1] * 4
    assert batch.masked[:4].all()
    assert batch.masks[:4].max() == 0
    for name in ("pixels", "masks", "paired"):
        np.testing.assert_array_equal(getattr(batch, name), getattr(again, name))
    assert not np.array_equal(batch.pixels, draws.batch(24, 8, 64).pixels)


def test_batches_do_not_depend_on_how_positions_are_cut(faces: list[Face]) -> None:
    draws = Draws(faces, Mix(), seed=1)
    whole, second = draws.batch(0, 8, 64), draws.batch(4, 4, 64)
    np.testing.assert_array_equal(whole.pixels[2:4], second.pixels[:2])
    np.testing.assert_array_equal(whole.pixels[6:8], second.pixels[2:])


def test_a_forgery_keeps_its_reals_pixels_outside_its_mask(faces: list[Face]) -> None:
    batch = Draws(faces, BLENDS_ONLY, seed=0).batch(0, 64, 64)
    assert batch.paired.all()
    assert batch.masked.all()
    changed = np.abs(batch.pixels[32:].astype(int) - batch.pixels[:32]).max(axis=3)
    cells = changed.reshape(32, 4, 16, 4, 16).max(axis=(2, 4))
    masks = batch.masks[32:]
    assert (cells[masks > 0.5].mean()) > 3 * (cells[masks == 0].mean() + 0.5)


def test_native_slots_pair_a_fake_with_a_real_of_its_group(faces: list[Face]) -> None:
    batch = Draws(faces, NATIVE_ONLY, seed=0).batch(0, 64, 64)
    # The drawn fake is the drawn real of its group with stripes; other heads have other colours.
    own = (batch.pixels[32:] == batch.pixels[:32]).all(axis=3).mean(axis=(1, 2))
    other = (batch.pixels[32:] == np.roll(batch.pixels[:32], 1, 0)).all(axis=3).mean(axis=(1, 2))
    assert np.median(own) > 0.3
    assert np.median(other) < 0.1


def test_left_out_sources_give_no_face(faces: list[Face]) -> None:
    with pytest.raises(ValueError, match="both classes"):
        Draws(faces, Mix(left_out=("dfdc",)), seed=0)
    assert Draws(faces, Mix(native=0, left_out=("dfdc",)), seed=0).batch(0, 2, 64).paired.all()


def test_a_source_may_give_its_reals_alone(faces: list[Face]) -> None:
    with pytest.raises(ValueError, match="both classes"):  # no other source has fakes
        Draws(faces, Mix(fakes_left_out=("dfdc",)), seed=0)
    reals = [face for face in faces if not face.fake]
    kept = Draws(faces, Mix(native=0, fakes_left_out=("dfdc",)), seed=0).batch(0, 8, 64)
    alone = Draws(reals, Mix(native=0), seed=0).batch(0, 8, 64)
    np.testing.assert_array_equal(kept.pixels, alone.pixels)


def test_blends_without_landmarks_are_refused_with_the_remedy(tmp_path: Path) -> None:
    plain = load_faces(write_data(tmp_path, landmarks=False), "train")
    with pytest.raises(ValueError, match="python -m training prepare"):
        Draws(plain, Mix(), seed=0)
    assert len(Draws(plain, NATIVE_ONLY, seed=0).batch(0, 4, 64).pixels) == 4


@pytest.mark.parametrize(
    "values",
    [
        {"native": 1.5},
        {"negatives": -0.1},
        {"blends": {"morph": 1.0}},
        {"channel": {"fax": 1.0}},
        {"channel": {}},
        {"native": 0.5, "blends": {}},
    ],
)
def test_a_mix_that_cannot_be_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="mix"):
        Mix(**values)  # type: ignore[arg-type]
