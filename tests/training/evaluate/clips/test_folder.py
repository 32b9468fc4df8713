"""Which clips are fakes."""

from __future__ import annotations

from pathlib import Path

import pytest

from training.evaluate.clips.folder import find_clips


def put(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")


def test_fakes_are_told_by_folder_or_name(tmp_path: Path) -> None:
    put(tmp_path, "fake-a.mp4", "b.MKV", "fake/c.webm", "real/d.mp4", "notes.txt", "fakes.md")
    found = {clip.name: clip.fake for clip in find_clips(tmp_path)}
    assert found == {"fake-a": True, "b": False, "fake/c": True, "real/d": False}


def test_a_folder_without_clips_is_refused(tmp_path: Path) -> None:
    put(tmp_path, "notes.txt")
    with pytest.raises(ValueError, match="no clips"):
        find_clips(tmp_path)


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    put(tmp_path, "a.mp4")
    with pytest.raises(NotADirectoryError):
        find_clips(tmp_path / "a.mp4")
