"""Staging: what each file gave, kept so that a stopped run goes on with the next one.

A file has a tar of crops and a JSON note beside it, both named for a fingerprint of the file, its
labels and the settings. The note is written last and at once: a file with a note is done, and one
that changed since has another fingerprint.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from training.prepare.item import Archive, Crop, Drop, Item
from training.prepare.settings import Settings

VERSION: Final = 1
"""Counts changes to what a harvest gives; older notes are then of no use."""


@dataclass(frozen=True, slots=True)
class Harvest:
    """What one file gave: `crops` in the order of their pictures in `tar`; `failure` says why it
    gave nothing.
    """

    tar: Path
    crops: tuple[Crop, ...]
    drops: tuple[Drop, ...]
    failure: str = ""


class Staging:
    """The folder of harvests, for one choice of settings."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self._folder = folder
        self._settings = settings
        folder.mkdir(parents=True, exist_ok=True)

    def find(self, item: Item) -> Harvest | None:
        """Give what an earlier run, or this one, harvested from the file as it is now."""
        tar = self._tar(item)
        try:
            note = json.loads(tar.with_suffix(".json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        crops = [Crop(**{**row, "identities": tuple(row["identities"])}) for row in note["crops"]]
        drops = [Drop(**row) for row in note["drops"]]
        return Harvest(tar, tuple(crops), tuple(drops), note["failure"])

    def store(self, item: Item, crops: Iterable[tuple[Crop, bytes]], drops: list[Drop]) -> Harvest:
        """Take what a file gives; `drops` is read when the crops are at their end.

        Raises: whatever the crops raise, and leaves no note then.
        """
        tar = self._tar(item)
        taken: list[Crop] = []
        with tarfile.open(tar, "w") as archive:
            for crop, encoded in crops:
                add(archive, f"{len(taken):06}", encoded)
                taken.append(crop)
        return self._note(Harvest(tar, tuple(taken), tuple(drops)))

    def fail(self, item: Item, failure: str) -> Harvest:
        """Note that a file gives nothing."""
        tar = self._tar(item)
        tar.unlink(missing_ok=True)
        return self._note(Harvest(tar, (), (), failure))

    def _note(self, harvest: Harvest) -> Harvest:
        note: dict[str, Any] = {
            "failure": harvest.failure,
            "crops": [asdict(crop) for crop in harvest.crops],
            "drops": [asdict(drop) for drop in harvest.drops],
        }
        unfinished = harvest.tar.with_suffix(".unfinished")
        unfinished.write_text(json.dumps(note), encoding="utf-8")
        unfinished.replace(harvest.tar.with_suffix(".json"))
        return harvest

    def _tar(self, item: Item) -> Path:
        facts: list[Any] = [VERSION, asdict(self._settings), _stat(item.path), repr(item)]
        if isinstance(item, Archive):
            facts.append(item.rows)
        digest = hashlib.sha256(json.dumps(facts).encode()).hexdigest()
        return self._folder / f"{digest[:32]}.tar"


def add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    """Add a file whose bytes are the same whenever and by whomever it is written."""
    info = tarfile.TarInfo(name)
    info.size = len(data)
    archive.addfile(info, io.BytesIO(data))


def _stat(path: Path) -> list[int]:
    try:
        stat = path.stat()
    except OSError:
        return []
    return [stat.st_size, stat.st_mtime_ns]
