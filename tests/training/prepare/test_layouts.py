"""Which files a layout finds, and what their places say of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.training.prepare.samples import touch
from tests.training.sample_data import write_data
from training.prepare.item import Archive, Footage
from training.prepare.layouts import find_items


def footage(root: Path) -> dict[str, Footage]:
    items = find_items([root])
    assert all(isinstance(item, Footage) for item in items)
    return {item.name: item for item in items if isinstance(item, Footage)}


def test_plain_folders_name_label_source_and_group(tmp_path: Path) -> None:
    root = tmp_path / "mine"
    touch(root, "real/a.mp4", "real/anna/1.PNG", "real/anna/deep/2.jpg", "fake/a.mov", "real/x.txt")
    found = footage(root)
    assert {name: (item.fake, item.identities) for name, item in found.items()} == {
        "real/a.mp4": (False, ("mine/a",)),
        "real/anna/1.PNG": (False, ("mine/anna",)),
        "real/anna/deep/2.jpg": (False, ("mine/anna",)),
        "fake/a.mov": (True, ("mine/a",)),
    }
    assert {item.split for item in found.values()} == {None}


def test_plain_folders_may_be_split_and_test_becomes_val(tmp_path: Path) -> None:
    touch(tmp_path, "train/real/a.mp4", "val/fake/b.mp4", "test/real/c.jpg")
    assert {name: item.split for name, item in footage(tmp_path).items()} == {
        "train/real/a.mp4": "train", "val/fake/b.mp4": "val", "test/real/c.jpg": "val",
    }  # fmt: skip


def test_a_faceforensics_fake_belongs_to_both_its_videos(tmp_path: Path) -> None:
    touch(
        tmp_path,
        "original_sequences/youtube/c23/videos/000.mp4",
        "manipulated_sequences/Deepfakes/c23/videos/000_003.mp4",
        "original_sequences/actors/c40/videos/01__hugging.mp4",
        "manipulated_sequences/DeepFakeDetection/c40/videos/01_02__hugging__ABC.mp4",
        "manipulated_sequences/Deepfakes/c23/masks/000_003.mp4",
    )
    found = {Path(name).name: item for name, item in footage(tmp_path).items()}
    assert len(found) == 4
    assert found["000.mp4"].identities == ("faceforensics/000",)
    assert found["000_003.mp4"].identities == ("faceforensics/000", "faceforensics/003")
    assert found["01__hugging.mp4"].identities == ("faceforensics/actor01",)
    assert found["01_02__hugging__ABC.mp4"].identities == (
        "faceforensics/actor01", "faceforensics/actor02",
    )  # fmt: skip
    assert [found[name].method for name in ("000.mp4", "000_003.mp4")] == ["", "Deepfakes"]
    assert [found[name].fake for name in ("000.mp4", "000_003.mp4")] == [False, True]


def test_the_official_lists_of_faceforensics_are_kept(tmp_path: Path) -> None:
    videos = "original_sequences/youtube/raw/videos"
    touch(tmp_path, f"{videos}/000.mp4", f"{videos}/003.mp4", f"{videos}/007.mp4", "splits/x")
    (tmp_path / "splits" / "train.json").write_text(json.dumps([["000", "001"]]))
    (tmp_path / "splits" / "test.json").write_text(json.dumps([["003", "004"]]))
    assert [item.split for item in footage(tmp_path).values()] == ["train", "val", None]
    (tmp_path / "splits" / "val.json").write_text('{"a": 1}')
    with pytest.raises(ValueError, match=r"val\.json is no list of pairs"):
        find_items([tmp_path])


def test_a_celeb_df_fake_belongs_to_both_its_people(tmp_path: Path) -> None:
    touch(
        tmp_path,
        "Celeb-real/id0_0000.mp4",
        "Celeb-real/readme.txt",
        "YouTube-real/00170.mp4",
        "Celeb-synthesis/id0_id16_0000.mp4",
    )
    (tmp_path / "List_of_testing_videos.txt").write_text("1 YouTube-real/00170.mp4\n")
    found = footage(tmp_path)
    assert {name: (item.fake, item.identities, item.split) for name, item in found.items()} == {
        "Celeb-real/id0_0000.mp4": (False, ("celeb-df/id0",), None),
        "YouTube-real/00170.mp4": (False, ("celeb-df/youtube00170",), "val"),
        "Celeb-synthesis/id0_id16_0000.mp4": (True, ("celeb-df/id0", "celeb-df/id16"), None),
    }


def listing(folder: Path, entries: object) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "metadata.json").write_text(json.dumps(entries))


def test_a_dfdc_fake_belongs_to_its_original_in_every_part(tmp_path: Path) -> None:
    fake = {"label": "FAKE", "split": "train", "original": "b.mp4"}
    listing(tmp_path / "part_0", {"a.mp4": fake, "b.mp4": {"label": "REAL", "split": "train"}})
    listing(tmp_path / "part_1", {"c.mp4": {"label": "REAL", "split": "train", "original": None}})
    found = footage(tmp_path)
    assert {name: (item.fake, item.identities) for name, item in found.items()} == {
        "a.mp4": (True, ("dfdc/b",)), "b.mp4": (False, ("dfdc/b",)), "c.mp4": (False, ("dfdc/c",)),
    }  # fmt: skip
    assert found["c.mp4"].path == tmp_path / "part_1" / "c.mp4"
    assert all(item.split is None for item in found.values())


@pytest.mark.parametrize(
    "entries",
    [
        [],
        ["a.mp4"],
        {"a.mp4": "REAL"},
        {"a.mp4": {}},
        {"a.mp4": {"label": "MAYBE"}},
        {"../a.mp4": {"label": "REAL"}},
    ],
)
def test_a_listing_of_another_form_is_refused(tmp_path: Path, entries: object) -> None:
    listing(tmp_path, entries)
    with pytest.raises(ValueError, match=r"metadata\.json|no videos"):
        find_items([tmp_path])


def test_tars_come_in_the_manifests_order_with_their_rows(tmp_path: Path) -> None:
    items = find_items([write_data(tmp_path, per_class=2)])
    assert [item.key for item in items] == ["dfdc-train.tar", "dfdc-val.tar", "portraits-real.tar"]
    assert [item.parts for item in items] == [4, 4, 2]
    assert all(isinstance(item, Archive) for item in items)


def test_an_unknown_layout_names_those_that_are_known(tmp_path: Path) -> None:
    touch(tmp_path, "a.mp4")
    with pytest.raises(ValueError, match=r"none of the known layouts.*Celeb-DF.*real/ and fake/"):
        find_items([tmp_path])
    with pytest.raises(FileNotFoundError, match="no folder"):
        find_items([tmp_path / "a.mp4"])


def test_folders_without_files_and_files_of_one_name_are_refused(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    with pytest.raises(ValueError, match="holds no videos or pictures"):
        find_items([tmp_path])
    for parent in ("one", "two"):
        touch(tmp_path / parent / "mine", "real/a.mp4")
    with pytest.raises(ValueError, match=r"two inputs hold a mine/real/a\.mp4"):
        find_items([tmp_path / "one" / "mine", tmp_path / "two" / "mine"])
