"""The data folder's faces, and batches of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.training.sample_data import write_data
from training.data import Draws, load_faces


def test_a_batch_is_half_real_and_repeats_itself(tmp_path: Path) -> None:
    draws = Draws(load_faces(write_data(tmp_path), "train"), seed=3, dfdc_pastes=4)
    batch, again = draws.batch(16, 8, 64), draws.batch(16, 8, 64)
    assert batch.pixels.shape == (8, 64, 64, 3)
    assert batch.masks.shape == (8, 4, 4)
    assert batch.fake.tolist() == [0] * 4 + [1] * 4
    assert batch.masked[:4].all()
    assert batch.masks[:4].max() == 0
    np.testing.assert_array_equal(batch.pixels, again.pixels)
    assert not np.array_equal(batch.pixels, draws.batch(24, 8, 64).pixels)


def test_pasted_fakes_know_their_mask_and_others_do_not(tmp_path: Path) -> None:
    draws = Draws(load_faces(write_data(tmp_path), "train"), seed=0, dfdc_pastes=4)
    batch = draws.batch(0, len(draws), 64)
    fakes = batch.fake == 1
    assert 0 < batch.masked[fakes].sum() < fakes.sum()
    for mask in batch.masks[fakes & batch.masked]:
        assert 0.3 < mask.max() <= 1
    assert batch.masks[~batch.masked].max() == 0


def test_every_source_has_as_many_fakes_as_reals(tmp_path: Path) -> None:
    faces = load_faces(write_data(tmp_path, per_class=10), "train")
    # One pass over the fakes: 10 of DFDC, 3 pasted on DFDC, 10 pasted on portraits.
    assert len(Draws(faces, seed=0, dfdc_pastes=3)) == 2 * 23
