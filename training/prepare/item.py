"""What is prepared: the files that a layout found, and the crops that they give."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

VIDEOS: Final = frozenset(
    {".mp4", ".mov", ".m4v", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".ts", ".flv", ".wmv"}
    | {".ogv", ".3gp", ".gif"}
)
PICTURES: Final = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"})


@dataclass(frozen=True, slots=True)
class Footage:
    """One video or picture. `name` is its path within the input, with forward slashes.

    `identities` are the people or videos that it shows or was made from, unique over all sources:
    files that share one never lie in different splits. `split` is the input's own, if it has one.
    """

    path: Path
    source: str
    name: str
    fake: bool
    identities: tuple[str, ...]
    method: str = ""
    split: str | None = None
    licence: str = ""

    @property
    def key(self) -> str:
        """What the file is called in messages and reports."""
        return f"{self.source}/{self.name}"

    @property
    def parts(self) -> int:
        """Steps of the progress bar."""
        return 1


@dataclass(frozen=True, slots=True)
class Archive:
    """One tar of crops with the rows of its manifest."""

    path: Path
    rows: tuple[dict[str, str], ...] = field(repr=False)

    @property
    def key(self) -> str:
        """What the file is called in messages and reports."""
        return self.path.name

    @property
    def parts(self) -> int:
        """Steps of the progress bar."""
        return len(self.rows)


Item = Footage | Archive


@dataclass(frozen=True, slots=True)
class Crop:
    """What is known of one crop; its encoded picture goes beside it.

    `tar`, `group` and `split` are the input's own, where it has them. `landmarks` is the
    manifest's text; `phash` 16 hexadecimal digits.
    """

    file: str
    fake: bool
    source: str
    identities: tuple[str, ...]
    crop_scale: float
    phash: str
    method: str = ""
    licence: str = ""
    face_px: str = ""
    shift_down: float = 0.0
    to_landmarks: float = 0.0
    landmarks: str = ""
    quality: float | None = None
    media_time_s: float | None = None
    tar: str | None = None
    group: str | None = None
    split: str | None = None


@dataclass(frozen=True, slots=True)
class Drop:
    """`count` things of one kind that were left out: where, and why; `like` names what was kept."""

    what: str
    why: str
    count: int = 1
    like: str = ""


class Unreadable(ValueError):
    """A file that gives nothing, in one sentence."""
