"""The layouts that are recognised: the table, and the search through it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from training.prepare.item import Archive, Footage, Item
from training.prepare.layouts import celeb_df, dfdc, faceforensics, plain, tars

LAYOUTS: Final[dict[str, Callable[[Path], Sequence[Item] | None]]] = {
    "tars with a manifest.csv": tars.recognise,
    "FaceForensics++": faceforensics.recognise,
    "Celeb-DF": celeb_df.recognise,
    "DFDC's metadata.json": dfdc.recognise,
    "real/ and fake/ folders": plain.recognise,
}
"""Tried in this order. Each gives None where the folder has another layout."""


def find_items(inputs: Sequence[Path]) -> list[Item]:
    """List the files of all inputs, in an order that does not depend on the file system.

    Raises: FileNotFoundError; ValueError for a layout that is not known, for an input without
    files, and for two files of one name.
    """
    items: list[Item] = []
    for folder in inputs:
        found = _recognised(folder)
        if not found:
            raise ValueError(f"{folder} holds no videos or pictures")
        items += found
    tars = (item.path.name for item in items if isinstance(item, Archive))
    names = (item.key for item in items if isinstance(item, Footage))
    twice = [key for key, count in Counter([*tars, *names]).items() if count > 1]
    if twice:
        raise ValueError(f"two inputs hold a {twice[0]}: rename one, or prepare them apart")
    return items


def _recognised(folder: Path) -> Sequence[Item]:
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is no folder")
    for recognise in LAYOUTS.values():
        found = recognise(folder)
        if found is not None:
            return found
    raise ValueError(f"{folder} has none of the known layouts: {', '.join(LAYOUTS)}")
