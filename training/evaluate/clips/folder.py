"""The clips of a folder, and which of them are fakes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

SUFFIXES: Final = frozenset({".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v", ".ts"})


@dataclass(frozen=True, slots=True)
class Clip:
    """One file; `name` is its path within the folder, without the ending."""

    path: Path
    name: str
    fake: bool


def find_clips(folder: Path) -> list[Clip]:
    """Find the videos in a folder, in order of their names.

    Those under ``fake/`` and those whose name starts with ``fake`` are fakes, all others real.

    Raises: NotADirectoryError; ValueError for a folder without videos.
    """
    if not folder.is_dir():
        raise NotADirectoryError(f"{folder} is no folder of clips")
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    clips = [_clip(path, folder) for path in paths if path.is_file()]
    if not clips:
        raise ValueError(f"{folder} holds no clips ({', '.join(sorted(SUFFIXES))})")
    return clips


def _clip(path: Path, folder: Path) -> Clip:
    inner = path.relative_to(folder).with_suffix("")
    fake = inner.parts[0] == "fake" or path.name.lower().startswith("fake")
    return Clip(path, inner.as_posix(), fake)
