"""Tars of crops and the manifest that lists them, as `training.manifest` reads them."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from tests.training.prepare.samples import crop
from training.manifest import load_faces
from training.prepare import shards
from training.prepare.item import Crop, Footage
from training.prepare.settings import Settings
from training.prepare.shards import COLUMNS, Kept, write_faces
from training.prepare.staging import Harvest, Staging

LANDMARKS = "0.1 0.2 0.3 0.4 0.5 0.6 0.7 0.8 0.9 1.0"


def harvest(folder: Path, *crops: Crop) -> Harvest:
    """The crops' pictures are their files' names."""
    item = Footage(folder / crops[0].file, "x", crops[0].file, False, ("x",))
    pairs = [(each, each.file.encode()) for each in crops]
    return Staging(folder / "staged", Settings()).store(item, pairs, [])


def written(folder: Path, *entries: Kept | None, drop: Crop | None = None) -> Path:
    crops = [entry.crop if entry else drop for entry in entries]
    out = folder / "faces"
    write_faces(out, [harvest(folder, *(each for each in crops if each))], entries)
    return out


def kept(split: str = "train", **given: Any) -> Kept:
    return Kept(crop(**given), "group", split)


def test_what_is_written_is_what_is_loaded(tmp_path: Path) -> None:
    entry = kept(
        file="fake/a.jpg", fake=True, source="my-set", method="swap", crop_scale=1.31,
        shift_down=-0.064, to_landmarks=0.8, landmarks=LANDMARKS, quality=0.5,
    )  # fmt: skip
    (face,) = load_faces(written(tmp_path, entry), "train")
    assert face.jpeg == b"fake/a.jpg"
    assert (face.fake, face.source, face.method, face.group) == (True, "my-set", "swap", "group")
    assert (face.crop_scale, face.shift_down, face.quality) == (1.31, -0.064, 0.5)
    assert face.to_landmarks == 0.8
    assert face.landmarks is not None
    assert face.landmarks[4].tolist() == pytest.approx([0.9, 1.0])


def test_crops_go_by_source_and_split_or_stay_in_the_tar_of_their_input(tmp_path: Path) -> None:
    folder = written(
        tmp_path,
        kept("train", file="1", source="a"), kept("val", file="2", source="a"),
        kept("val", file="3", source="b"), kept("train", file="4", tar="lfw-real.tar"),
        kept("val", file="5", tar="lfw-real.tar"),
    )  # fmt: skip
    with (folder / "manifest.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert {(row["tar"], row["file"]) for row in rows} == {
        ("a-train000.tar", "1"), ("a-val000.tar", "2"), ("b-val000.tar", "3"),
        ("lfw-real.tar", "4"), ("lfw-real.tar", "5"),
    }  # fmt: skip
    assert tuple(rows[0]) == COLUMNS
    assert [face.jpeg for face in load_faces(folder, "val")] == [b"2", b"3", b"5"]


def test_what_is_left_out_is_in_neither(tmp_path: Path) -> None:
    folder = written(tmp_path, kept(file="1"), None, kept(file="3"), drop=crop(file="2"))
    assert [face.jpeg for face in load_faces(folder, "train")] == [b"1", b"3"]
    assert b"2" not in (folder / "x-train000.tar").read_bytes().split(b"\0")


def test_a_tar_holds_so_many_crops_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shards, "SHARD", 2)
    folder = written(tmp_path, *(kept(file=str(index)) for index in range(5)))
    tars = [face.name.partition("/")[0] for face in load_faces(folder, "train")]
    assert tars == ["x-train000.tar"] * 2 + ["x-train001.tar"] * 2 + ["x-train002.tar"]
