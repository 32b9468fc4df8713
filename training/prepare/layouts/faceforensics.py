"""FaceForensics++ (Rössler et al., ICCV 2019), with or without DeepFakeDetection.

    original_sequences/<youtube|actors>/<compression>/videos/000.mp4
    manipulated_sequences/<method>/<compression>/videos/000_003.mp4

``000_003`` shows video 000 with the face of 003, and ``01_02__scene__X.mp4`` actor 01 with that
of 02. Both belong to the file, so that the two videos never lie in different splits. The official
lists (``train.json``, ``val.json``, ``test.json``), in the folder or its ``splits``, are kept:
val and test both become val.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Final

from training.prepare.item import VIDEOS, Footage

SOURCE: Final = "faceforensics"
LICENCE: Final = "FaceForensics++ (research only)"
ACTORS: Final = frozenset({"actors", "DeepFakeDetection"})
SPLITS: Final = {"train.json": "train", "val.json": "val", "test.json": "val"}
_NUMBERS: Final = re.compile(r"(\d+)(?:_(\d+))?(?:__.*)?")


def recognise(folder: Path) -> list[Footage] | None:
    """One item for each video, at every compression that is there.

    Raises: ValueError for a list of splits that is none.
    """
    original, manipulated = folder / "original_sequences", folder / "manipulated_sequences"
    if not (original.is_dir() or manipulated.is_dir()):
        return None
    splits = _splits(folder)
    paths = sorted([*original.glob("*/*/videos/*"), *manipulated.glob("*/*/videos/*")])
    return [_footage(folder, path, splits) for path in paths if path.suffix.lower() in VIDEOS]


def _footage(folder: Path, path: Path, splits: dict[str, str]) -> Footage:
    name = path.relative_to(folder).as_posix()
    kind, method = name.split("/")[:2]
    shot = "actor" if method in ACTORS else ""
    numbers = _NUMBERS.fullmatch(path.stem)
    ids = [number for number in numbers.groups() if number] if numbers else [path.stem]
    fake = kind == "manipulated_sequences"
    return Footage(
        path=path,
        source=SOURCE,
        name=name,
        fake=fake,
        identities=tuple(f"{SOURCE}/{shot}{number}" for number in ids),
        method=method if fake else "",
        split=None if shot else splits.get(ids[0]),
        licence=LICENCE,
    )


def _splits(folder: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, split in SPLITS.items():
        for path in (folder / name, folder / "splits" / name):
            if path.is_file():
                found |= _listed(path, split)
    return found


def _listed(path: Path, split: str) -> dict[str, str]:
    pairs = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(pairs, list) or not all(isinstance(pair, list) for pair in pairs):
        raise ValueError(f"{path} is no list of pairs")
    return {str(number): split for pair in pairs for number in pair}
