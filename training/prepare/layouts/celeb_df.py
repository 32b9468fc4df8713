"""Celeb-DF (Li et al., CVPR 2020), versions 1 and 2.

    Celeb-real/id0_0000.mp4   YouTube-real/00000.mp4   Celeb-synthesis/id0_id1_0000.mp4

``id0_id1_0000`` shows id0 with the face of id1: both belong to the file. Everybody is swapped with
many others, so nearly all of Celeb-real and Celeb-synthesis is one group; it serves as a test set
more than for training. Files in ``List_of_testing_videos.txt`` are given to val.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from training.prepare.item import VIDEOS, Footage

SOURCE: Final = "celeb-df"
LICENCE: Final = "Celeb-DF (research only)"
FOLDERS: Final = {"Celeb-real": False, "YouTube-real": False, "Celeb-synthesis": True}
TESTING: Final = "List_of_testing_videos.txt"
_PERSON: Final = re.compile(r"id\d+")


def recognise(folder: Path) -> list[Footage] | None:
    """One item for each video."""
    if not any((folder / name).is_dir() for name in FOLDERS if name.startswith("Celeb")):
        return None
    testing = _testing(folder)
    items = []
    for place, fake in FOLDERS.items():
        for path in sorted((folder / place).glob("*")):
            if path.suffix.lower() not in VIDEOS:
                continue
            name = f"{place}/{path.name}"
            people = _PERSON.findall(path.stem) or [f"youtube{path.stem}"]
            items.append(
                Footage(
                    path=path,
                    source=SOURCE,
                    name=name,
                    fake=fake,
                    identities=tuple(f"{SOURCE}/{person}" for person in people),
                    method=place if fake else "",
                    split="val" if name in testing else None,
                    licence=LICENCE,
                )
            )
    return items


def _testing(folder: Path) -> set[str]:
    """The listed files; each line is a label (1 for real) and a path."""
    path = folder / TESTING
    if not path.is_file():
        return set()
    lines = path.read_text(encoding="utf-8").splitlines()
    return {line.split(maxsplit=1)[-1].strip() for line in lines if line.strip()}
