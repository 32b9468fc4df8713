"""The data folder's faces, and batches of them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from engines.spec import CropGeometry
from tests.training.sample_data import drawn_face, write_data
from training.data import Draws, decode, held_out, load_faces


def test_faces_are_read_by_split_and_tar(tmp_path: Path) -> None:
    folder = write_data(tmp_path, per_class=3)
    train = load_faces(folder, "train")
    assert Counter((face.source, face.fake) for face in train) == {
        ("dfdc", False): 3, ("dfdc", True): 3, ("portraits", False): 3,
    }  # fmt: skip
    assert len(load_faces(folder, "val")) == 6
    assert len(load_faces(folder, "train", ["dfdc-train.tar"])) == 6


def test_dfdc_crops_are_taken_whole_and_the_others_cut_to_the_same_geometry(
    tmp_path: Path,
) -> None:
    faces = load_faces(write_data(tmp_path, per_class=1), "train")
    whole = next(face for face in faces if face.source == "dfdc" and not face.fake)
    np.testing.assert_array_equal(decode(whole, CropGeometry(64, 0.85)), drawn_face(0, False))
    wide = next(face for face in faces if face.source == "portraits")
    cut = decode(wide, CropGeometry(34, 0.85))  # 34 of 64 pixels are 0.85 of 1.6
    np.testing.assert_array_equal(cut, drawn_face(0, False)[15:49, 15:49])


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


@pytest.mark.data
def test_no_group_lies_in_both_splits(data_dir: Path) -> None:
    train = {(face.source, face.group) for face in load_faces(data_dir, "train")}
    val = {(face.source, face.group) for face in load_faces(data_dir, "val")}
    assert len(train) > 10_000
    assert not train & val


@pytest.mark.data
def test_about_one_training_group_in_twenty_is_held_out(data_dir: Path) -> None:
    groups = {face.group for face in load_faces(data_dir, "train", ["dfdc-train.tar"])}
    share = sum(map(held_out, groups)) / len(groups)
    assert 0.04 < share < 0.06
