"""What is written: tars of crops and the manifest that lists them."""

from __future__ import annotations

import csv
import tarfile
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from training.prepare.item import Crop
from training.prepare.staging import Harvest, add

COLUMNS: Final = (
    "tar", "file", "label", "method", "group", "split", "face_px", "licence",
    "source", "crop_scale", "shift_down", "to_landmarks", "landmarks", "quality",
    "media_time_s", "phash",
)  # fmt: skip
"""The data folder's first, then what `prepare` adds."""
SHARD: Final = 10_000
"""Crops in a tar, for those that came in none."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A crop that is written, with its group and split."""

    crop: Crop
    group: str
    split: str


def write_faces(folder: Path, harvests: Sequence[Harvest], kept: Sequence[Kept | None]) -> None:
    """Write tars and ``manifest.csv`` into a new folder.

    `kept` has one entry for each crop of all harvests, in order; None leaves it out. Crops that
    came in a tar stay in one of its name; the others go by source and split.

    Raises: OSError.
    """
    folder.mkdir(parents=True)
    rows: list[dict[str, str]] = []
    entries = iter(kept)
    with ExitStack() as opened:
        shards = _Shards(folder, opened)
        for harvest in harvests:
            own = [next(entries) for _ in harvest.crops]
            if any(own):
                rows += _copied(harvest, own, shards)
    with (folder / "manifest.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(sorted(rows, key=lambda row: row["tar"]))


class _Shards:
    """The tars that are being written, by name; the caller's stack closes them."""

    def __init__(self, folder: Path, opened: ExitStack) -> None:
        self._folder, self._opened = folder, opened
        self._tars: dict[str, tarfile.TarFile] = {}
        self._counts: Counter[str] = Counter()

    def add(self, entry: Kept, encoded: bytes) -> tuple[str, str]:
        """Give the names of the tar and of the file in it."""
        crop = entry.crop
        name = crop.tar
        if name is None:
            stem = f"{crop.source}-{entry.split}"
            name = f"{stem}{self._counts[stem] // SHARD:03}.tar"
            self._counts[stem] += 1
        if name not in self._tars:
            tar = tarfile.open(self._folder / name, "w")  # noqa: SIM115
            self._tars[name] = self._opened.enter_context(tar)
        add(self._tars[name], crop.file, encoded)
        return name, crop.file


def _copied(harvest: Harvest, kept: Sequence[Kept | None], shards: _Shards) -> list[dict[str, str]]:
    rows = []
    with tarfile.open(harvest.tar) as staged:
        for member, entry in zip(staged, kept, strict=True):
            stream = staged.extractfile(member)
            if entry is not None and stream is not None:
                rows.append(_row(entry, *shards.add(entry, stream.read())))
    return rows


def _row(entry: Kept, tar: str, file: str) -> dict[str, str]:
    crop = entry.crop
    return {
        "tar": tar,
        "file": file,
        "label": "fake" if crop.fake else "real",
        "method": crop.method,
        "group": entry.group,
        "split": entry.split,
        "face_px": crop.face_px,
        "licence": crop.licence,
        "source": crop.source,
        "crop_scale": f"{crop.crop_scale:.4g}",
        "shift_down": f"{crop.shift_down:.4f}",
        "to_landmarks": f"{crop.to_landmarks:.4f}",
        "landmarks": crop.landmarks,
        "quality": "" if crop.quality is None else f"{crop.quality:.4f}",
        "media_time_s": "" if crop.media_time_s is None else f"{crop.media_time_s:.3f}",
        "phash": crop.phash,
    }
