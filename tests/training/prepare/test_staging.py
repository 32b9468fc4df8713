"""What a file gave is found again, while file, labels and settings are the same."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.training.prepare.samples import crop
from training.prepare.item import Archive, Crop, Drop, Footage
from training.prepare.settings import Settings
from training.prepare.staging import Staging


@pytest.fixture
def item(tmp_path: Path) -> Footage:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"video")
    return Footage(path, "mine", "real/a.mp4", False, ("mine/a",))


@pytest.fixture
def staging(tmp_path: Path) -> Staging:
    return Staging(tmp_path / "staged", Settings())


CROPS = [(crop(file="1", landmarks="0.1 0.2", quality=0.5), b"one"), (crop(file="2"), b"two")]


def test_a_harvest_is_found_as_it_was_stored(item: Footage, staging: Staging) -> None:
    assert staging.find(item) is None
    stored = staging.store(item, CROPS, [Drop("a", "b", 3, "c")])
    assert staging.find(item) == stored
    assert list(stored.crops) == [known for known, _ in CROPS]
    with tarfile.open(stored.tar) as tar:
        members = [tar.extractfile(member) for member in tar]
        assert [member.read() for member in members if member] == [b"one", b"two"]


def test_a_failure_is_remembered(item: Footage, staging: Staging) -> None:
    staging.fail(item, "a.mp4 is broken")
    found = staging.find(item)
    assert found is not None
    assert (found.failure, found.crops) == ("a.mp4 is broken", ())


def test_a_harvest_that_breaks_off_leaves_no_note(item: Footage, staging: Staging) -> None:
    def breaking() -> Iterator[tuple[Crop, bytes]]:
        yield CROPS[0]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        staging.store(item, breaking(), [])
    assert staging.find(item) is None
    assert staging.store(item, CROPS, []) == staging.find(item)


def test_drops_that_come_with_the_last_crop_are_kept(item: Footage, staging: Staging) -> None:
    drops: list[Drop] = []

    def late() -> Iterator[tuple[Crop, bytes]]:
        yield CROPS[0]
        drops.append(Drop("late", "why"))

    assert staging.store(item, late(), drops).drops == (Drop("late", "why"),)


def test_a_changed_file_label_or_setting_is_harvested_anew(
    item: Footage, staging: Staging, tmp_path: Path
) -> None:
    staging.store(item, CROPS, [])
    assert staging.find(replace(item, fake=True)) is None
    assert Staging(tmp_path / "staged", Settings(margin=1.3)).find(item) is None
    os.utime(item.path, ns=(0, 0))
    assert staging.find(item) is None


def test_a_tar_with_other_rows_is_harvested_anew(tmp_path: Path, staging: Staging) -> None:
    path = tmp_path / "a.tar"
    path.touch()
    staging.store(Archive(path, ({"label": "real"},)), CROPS, [])
    assert staging.find(Archive(path, ({"label": "real"},))) is not None
    assert staging.find(Archive(path, ({"label": "fake"},))) is None


def test_tars_have_the_same_bytes_whenever_they_are_written(
    item: Footage, staging: Staging
) -> None:
    first = staging.store(item, CROPS, []).tar.read_bytes()
    assert staging.store(item, CROPS, []).tar.read_bytes() == first
