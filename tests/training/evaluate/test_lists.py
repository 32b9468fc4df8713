"""Lists of faces by name, and the halves that they open."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engines.spec import CropGeometry
from tests.training.sample_data import write_data
from training.evaluate.lists import (
    Selection,
    list_names,
    load_examples,
    read_list,
    selected,
    shared_by_default,
    training_faces,
)
from training.fakes import METHODS
from training.manifest import part

SMALL = CropGeometry(64, 0.85)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("data"), per_class=12)


def groups(folder: Path, name: str) -> set[str]:
    return {face.group for face in selected(folder, Selection.parse(name))}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("dfdc", Selection("dfdc", "report")),
        ("dfdc-calib", Selection("dfdc", "calib")),
        ("lfw-val", Selection("lfw", "val")),
        ("lfw-all", Selection("lfw", "all")),
        ("pictures", Selection("pictures", "all")),
    ],
)
def test_a_name_says_which_faces_and_which_half(name: str, expected: Selection) -> None:
    assert Selection.parse(name) == expected
    assert expected.name == name


def test_the_report_half_shares_no_group_with_calib(folder: Path) -> None:
    report, calib = groups(folder, "dfdc"), groups(folder, "dfdc-calib")
    assert report
    assert calib
    assert not report & calib
    assert all(part(group) == "report" for group in report)
    assert all(part(group) == "calib" for group in calib)


def test_neither_half_holds_a_training_face(folder: Path) -> None:
    for name in ("dfdc", "dfdc-calib", "val", "blends"):
        faces = selected(folder, Selection.parse(name))
        assert faces
        assert {face.split for face in faces} == {"val"}, name


def test_both_halves_are_the_whole_of_val(folder: Path) -> None:
    faces = selected(folder, Selection.parse("dfdc-val"))
    assert {face.split for face in faces} == {"val"}
    assert groups(folder, "dfdc-val") == groups(folder, "dfdc") | groups(folder, "dfdc-calib")


def test_all_means_both_splits(folder: Path) -> None:
    faces = selected(folder, Selection.parse("dfdc-all"))
    assert {face.split for face in faces} == {"train", "val"}
    assert len(faces) == 48
    assert groups(folder, "dfdc") | groups(folder, "dfdc-calib") < groups(folder, "dfdc-all")


def test_each_is_every_source(folder: Path) -> None:
    assert list_names(folder, ["each"]) == ["dfdc", "portraits"]
    assert list_names(folder, ["each-all", "dfdc-all"]) == ["dfdc-all", "portraits-all"]


def test_an_unknown_list_is_one_clear_line(folder: Path) -> None:
    with pytest.raises(ValueError, match="there is no list nobody: dfdc, portraits, val, blends"):
        list_names(folder, ["nobody"])


def test_a_list_without_a_face_says_so(folder: Path) -> None:
    with pytest.raises(ValueError, match="portraits has no face"):
        load_examples("portraits", folder, SMALL)


def test_only_dfdc_is_scored_as_it_is_stored(folder: Path) -> None:
    assert not shared_by_default(Selection.parse("dfdc-calib"))
    assert shared_by_default(Selection.parse("lfw"))
    assert not load_examples("dfdc-calib", folder, SMALL).shared
    assert load_examples("val-calib", folder, SMALL).shared


def test_a_limit_draws_the_same_faces_each_time(folder: Path) -> None:
    first, again = (load_examples("dfdc-calib", folder, SMALL, limit=5) for _ in range(2))
    assert len(first) == 5
    np.testing.assert_array_equal(first.crops, again.crops)


def test_blends_stand_beside_their_own_real_after_one_reencoding(folder: Path) -> None:
    listed = load_examples("blends-calib", folder, SMALL)
    half = len(listed) // 2
    assert listed.fake.tolist() == [False] * half + [True] * half
    assert listed.groups[:half] == listed.groups[half:]
    assert listed.shared
    assert all(part(group) == "calib" for group in listed.groups)
    assert set(listed.methods[half:]) == set(list(METHODS)[:half])
    assert set(listed.methods[:half]) == {""}


def test_a_forgery_differs_from_its_real_only_under_its_mask(folder: Path) -> None:
    forged = read_list("dfdc-calib", folder, SMALL).forged(SMALL, limit=5)
    assert len(forged) == 5
    for one in forged:
        changed = (one.forgery.pixels != one.forgery.base).any(2)
        assert not changed[one.forgery.mask == 0].any(), one.method


def test_the_control_learns_from_training_faces_of_the_lists_sources(folder: Path) -> None:
    faces = training_faces(folder, ["dfdc"], limit=10)
    assert len(faces) == 10
    assert {(face.source, face.split) for face in faces} == {("dfdc", "train")}
