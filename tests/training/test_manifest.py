"""The manifest: faces by split and tar, the halves of ``val``, and the optional columns."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from tests.training.sample_data import write_data
from training.manifest import (
    CROPS,
    Face,
    crop_scale_of,
    held_out,
    load_faces,
    part,
    read_landmarks,
    shift_down_of,
    to_landmarks_of,
    write_landmarks,
)


def rewritten(folder: Path, **columns: str) -> Path:
    """The same data, its first row given these columns."""
    path = folder / "faces" / "manifest.csv"
    with path.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    rows[0] |= columns
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return folder


def test_faces_are_read_by_split_and_tar(tmp_path: Path) -> None:
    folder = write_data(tmp_path, per_class=3)
    train = load_faces(folder, "train")
    assert Counter((face.source, face.fake) for face in train) == {
        ("dfdc", False): 3, ("dfdc", True): 3, ("portraits", False): 3,
    }  # fmt: skip
    assert len(load_faces(folder, "val")) == 6
    assert len(load_faces(folder, "train", ["dfdc-train.tar"])) == 6


def test_a_folder_may_hold_the_manifest_itself(tmp_path: Path) -> None:
    folder = write_data(tmp_path, per_class=2)
    inner, outer = load_faces(folder / "faces", "train"), load_faces(folder, "train")
    assert [face.name for face in inner] == [face.name for face in outer]
    assert [face.jpeg for face in inner] == [face.jpeg for face in outer]


def test_the_plain_manifest_tells_the_crop_by_the_source(tmp_path: Path) -> None:
    faces = load_faces(write_data(tmp_path, per_class=1), "train")
    assert {(f.source, f.crop_scale, f.shift_down, f.to_landmarks) for f in faces} == {
        ("dfdc", *CROPS["dfdc"]), ("portraits", *CROPS["portraits"]),
    }  # fmt: skip
    assert all(face.quality is None for face in faces)
    assert faces[0].name == "dfdc-train.tar/real/0.png"


def test_the_richer_manifest_is_believed(tmp_path: Path) -> None:
    landmarks = np.linspace(0.1, 0.9, 10, dtype=np.float32).reshape(5, 2)
    folder = rewritten(
        write_data(tmp_path, per_class=1),
        source="webcam", crop_scale="1.3", landmarks=write_landmarks(landmarks),
        quality="0.75", shift_down="0.05", to_landmarks="0.5", method="deepfakes",
    )  # fmt: skip
    face = load_faces(folder, "train")[0]
    assert (face.source, face.crop_scale, face.quality) == ("webcam", 1.3, 0.75)
    assert (face.shift_down, face.to_landmarks, face.method) == (0.05, 0.5, "deepfakes")
    assert face.landmarks is not None
    np.testing.assert_allclose(face.landmarks, landmarks, atol=1e-4)


@pytest.mark.parametrize("scale", ["0", "-1", "nan", "wide"])
def test_a_crop_scale_that_is_none_is_refused(scale: str) -> None:
    with pytest.raises(ValueError, match=f"{scale}"):
        crop_scale_of({"tar": "a.tar", "file": "b.png", "crop_scale": scale})


@pytest.mark.parametrize("text", ["0.5", "0.5 " * 11, "0.5 " * 9 + "nan", "a b c d e f g h i j"])
def test_landmarks_are_ten_numbers(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        read_landmarks(text)


def test_no_landmarks_are_an_empty_column() -> None:
    assert write_landmarks(None) == ""
    assert read_landmarks("") is None


def test_a_manifest_without_a_needed_column_is_refused(tmp_path: Path) -> None:
    (tmp_path / "manifest.csv").write_text("tar,file,label\n")
    with pytest.raises(ValueError, match="no column group, split"):
        load_faces(tmp_path, "train")


def test_a_folder_without_faces_is_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        load_faces(tmp_path, "train")


def test_the_halves_of_val_do_not_follow_the_held_out_groups() -> None:
    names = [f"group {number}" for number in range(4000)]
    report = [part(name) == "report" for name in names]
    assert 0.45 < np.mean(report) < 0.55
    kept = [half for half, name in zip(report, names, strict=True) if held_out(name)]
    assert 0.3 < np.mean(kept) < 0.7


@pytest.mark.parametrize(
    ("group", "half"),
    # `printf 'part of val: a' | sha256sum` begins with 32e5e335, and so on: odd is report.
    [("a", "report"), ("b", "report"), ("c", "report"), ("d", "report"), ("e", "calib")],
)
def test_the_halves_never_change(group: str, half: str) -> None:
    assert part(group) == half


@pytest.mark.parametrize("shift", ["inf", "low"])
def test_a_shift_that_is_none_is_refused(shift: str) -> None:
    with pytest.raises(ValueError, match=shift):
        shift_down_of({"tar": "a.tar", "file": "b.png", "shift_down": shift})


@pytest.mark.parametrize("share", ["1", "-0.1", "nan"])
def test_a_crop_goes_less_than_all_the_way_to_the_landmarks(share: str) -> None:
    row = {"tar": "a.tar", "file": "b.png", "to_landmarks": share}
    with pytest.raises(ValueError, match=share):
        to_landmarks_of(row)
    assert to_landmarks_of({**row, "to_landmarks": "0.5"}) == 0.5


@pytest.mark.data
def test_no_group_lies_in_both_splits(data_dir: Path) -> None:
    def groups(split: str) -> set[tuple[str, str]]:
        return {(face.source, face.group) for face in load_faces(data_dir, split)}

    train, val = groups("train"), groups("val")
    assert len(train) > 10_000
    assert not train & val


@pytest.mark.data
def test_about_one_training_group_in_twenty_is_held_out(data_dir: Path) -> None:
    faces: list[Face] = load_faces(data_dir, "train", ["dfdc-train.tar"])
    groups = {face.group for face in faces}
    assert 0.04 < sum(map(held_out, groups)) / len(groups) < 0.06
