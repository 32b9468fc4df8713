"""Plain folders: ``real/`` and ``fake/``, or these within ``train/``, ``val/`` and ``test/``.

What lies in a subfolder forms one group with its name (a person, a video's frames); any other file
is a group of its own. A real and a fake of the same name, less the suffix, share a group. The
source is named for the folder. Test becomes val.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from training.prepare.item import PICTURES, VIDEOS, Footage

LABELS: Final = {"real": False, "fake": True}
SPLITS: Final = {"train": "train", "val": "val", "test": "val"}


def recognise(folder: Path) -> list[Footage] | None:
    """One item for each video or picture, however deep it lies."""
    source = folder.resolve().name or "input"
    items: list[Footage] = []
    known = False
    for place, split in {"": None, **SPLITS}.items():
        for label, fake in LABELS.items():
            root = folder / place / label
            if not root.is_dir():
                continue
            known = True
            items += [
                _footage(folder, root, path, source, fake, split)
                for path in sorted(root.rglob("*"))
                if path.suffix.lower() in VIDEOS | PICTURES and path.is_file()
            ]
    return items if known else None


def _footage(
    folder: Path, root: Path, path: Path, source: str, fake: bool, split: str | None
) -> Footage:
    inner = path.relative_to(root)
    group = inner.parts[0] if len(inner.parts) > 1 else path.stem
    return Footage(
        path=path,
        source=source,
        name=path.relative_to(folder).as_posix(),
        fake=fake,
        identities=(f"{source}/{group}",),
        split=split,
    )
