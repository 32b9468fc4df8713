"""A preparation from start to end: stopped and resumed, with bad files, from every layout."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.training.prepare.samples import touch
from tests.training.sample_data import write_data
from training.manifest import load_faces, read_rows
from training.prepare.harvest import Harvester
from training.prepare.item import Crop, Drop, Item
from training.prepare.run import Plan, prepare
from training.prepare.settings import Settings

SETTINGS = Settings(per_track=2)


@pytest.fixture
def inputs(clip: Path, tmp_path: Path) -> Path:
    """Two videos, one of them twice, and one that is broken."""
    root = tmp_path / "mine"
    touch(root, "real/broken.mp4", "fake/a.mp4")
    for name in ("real/a.mp4", "real/copy.mp4", "fake/a.mp4"):
        shutil.copyfile(clip, root / name)
    (root / "real" / "broken.mp4").write_bytes(clip.read_bytes()[:300])
    return root


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_one_bad_file_is_named_and_skipped_and_a_copy_dropped(
    inputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    report = prepare(Plan((inputs,), out, SETTINGS, val_share=0))
    assert [row["label"] for row in read_rows(out / "faces")] == ["real"] * 2 + ["fake"] * 2
    assert {drop.what for drop in report.drops if drop.why.startswith("unreadable")} == {
        "mine/real/broken.mp4"
    }
    repeated = {drop.what: drop.like for drop in report.drops if drop.why == "near-duplicate"}
    kept = {f"mine/{entry.crop.file}" for entry in report.kept}
    assert len(repeated) == 2
    for copy, first in repeated.items():
        assert copy.replace("copy.mp4", "a.mp4") == first
        assert first in kept
    told = capsys.readouterr().err
    assert [line for line in told.splitlines() if "broken.mp4" in line and "skipped" in line]
    assert sorted(path.name for path in out.iterdir()) == ["faces", "report.json", "report.md"]


def test_a_stopped_run_goes_on_and_gives_what_an_unstopped_one_gives(
    inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, halted = tmp_path / "whole", tmp_path / "halted"
    prepare(Plan((inputs,), whole, SETTINGS))
    read: list[str] = []
    honest = Harvester.crops

    def counted(
        self: Harvester, item: Item, drops: list[Drop], step: object
    ) -> Iterator[tuple[Crop, bytes]]:
        read.append(item.key)
        for number, pair in enumerate(honest(self, item, drops, lambda: None)):
            if len(read) == 3 and number == 1:
                raise KeyboardInterrupt
            yield pair

    monkeypatch.setattr(Harvester, "crops", counted)
    with pytest.raises(KeyboardInterrupt):
        prepare(Plan((inputs,), halted, SETTINGS))
    assert not (halted / "faces").exists()
    stopped = read.copy()
    prepare(Plan((inputs,), halted, SETTINGS))
    assert read[3] == stopped[2]  # the file that was broken off, from its start; none before it
    assert len(read) == 4 + 1
    assert contents(halted) == contents(whole)


def test_a_finished_folder_is_left_alone(inputs: Path, tmp_path: Path) -> None:
    (tmp_path / "out" / "faces").mkdir(parents=True)
    with pytest.raises(ValueError, match="finished already"):
        prepare(Plan((inputs,), tmp_path / "out", SETTINGS))


def test_nothing_that_can_be_read_is_an_error(tmp_path: Path) -> None:
    touch(tmp_path / "mine", "real/a.mp4", "fake/b.jpg")
    with pytest.raises(ValueError, match=r"no file gave a face; the first, mine/real/a\.mp4"):
        prepare(Plan((tmp_path / "mine",), tmp_path / "out", SETTINGS))


@pytest.mark.parametrize(("share", "near"), [(2.0, 2), (0.1, 99)])
def test_a_wrong_choice_is_told_before_the_work(
    inputs: Path, tmp_path: Path, share: float, near: int
) -> None:
    with pytest.raises(ValueError, match=r"share|bits"):
        prepare(Plan((inputs,), tmp_path / "out", SETTINGS, share, near))
    assert not list((tmp_path / "out").glob("staged/*"))


def test_the_data_folders_own_form_keeps_tars_splits_groups_and_bytes(tmp_path: Path) -> None:
    folder, out = write_data(tmp_path / "data", per_class=3), tmp_path / "out"
    report = prepare(Plan((folder,), out, SETTINGS, near=0))
    for split in ("train", "val"):
        before, after = load_faces(folder, split), load_faces(out, split)
        kept = {face.name: face for face in after}
        assert after
        for face in before:
            own = kept.get(face.name)
            if own is not None:
                assert (own.jpeg, own.group, own.fake) == (face.jpeg, face.group, face.fake)
    # The same faces are drawn for both splits.
    repeated = {drop.what for drop in report.drops if drop.why == "near-duplicate of a val crop"}
    assert "dfdc-train.tar/real/0.png" in repeated
    assert not any(name.startswith("dfdc-val") for name in repeated)


def test_what_was_prepared_can_be_prepared_again(inputs: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    prepare(Plan((inputs,), first, SETTINGS))
    prepare(Plan((first,), second, SETTINGS))
    before, after = read_rows(first / "faces"), read_rows(second / "faces")
    for row, again in zip(before, after, strict=True):
        for column in ("tar", "file", "label", "group", "split", "landmarks", "crop_scale"):
            assert again[column] == row[column]


def test_the_public_sets_go_side_by_side_with_groups_that_do_not_meet(
    clip: Path, tmp_path: Path
) -> None:
    faceforensics, celeb, dfdc = tmp_path / "ff", tmp_path / "celeb", tmp_path / "dfdc"
    videos = {
        faceforensics / "original_sequences/youtube/c23/videos/000.mp4": 0,
        faceforensics / "manipulated_sequences/Deepfakes/c23/videos/000_003.mp4": 1,
        celeb / "Celeb-real/id0_0000.mp4": 0,
        celeb / "Celeb-synthesis/id0_id1_0000.mp4": 1,
        dfdc / "a.mp4": 0,
    }
    for path in videos:
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(clip, path)
    listing = {"a.mp4": {"label": "REAL"}, "gone.mp4": {"label": "FAKE", "original": "a.mp4"}}
    (dfdc / "metadata.json").write_text(json.dumps(listing))
    report = prepare(Plan((faceforensics, celeb, dfdc), tmp_path / "out", SETTINGS, 0.0, near=0))
    groups = {(entry.crop.source, entry.group) for entry in report.kept}
    assert ("faceforensics", "faceforensics/000+003") in groups
    assert [drop.what for drop in report.drops if "gone" in drop.why] == ["dfdc/gone.mp4"]
    # One clip stands for all: of either label the first source keeps it.
    assert {source for source, _ in groups} == {"faceforensics"}
    assert sum(drop.count for drop in report.drops if drop.why == "near-duplicate") == 6


def test_a_tar_cut_short_is_skipped(tmp_path: Path, clip: Path) -> None:
    folder = write_data(tmp_path / "data", per_class=2)
    tar = folder / "faces" / "portraits-real.tar"
    tar.write_bytes(tar.read_bytes()[:700])
    report = prepare(Plan((folder,), tmp_path / "out", SETTINGS))
    assert [drop.what for drop in report.drops if drop.why.startswith("unreadable")] == [
        "portraits-real.tar"
    ]
