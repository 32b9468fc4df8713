"""The data folder's own form: tars of crops, and a manifest with a row for each."""

from __future__ import annotations

from pathlib import Path

from training.manifest import faces_folder, read_rows
from training.prepare.item import Archive


def recognise(folder: Path) -> list[Archive] | None:
    """One archive for each tar that the manifest names, in its order.

    Raises: ValueError for a manifest without the columns needed.
    """
    faces = faces_folder(folder)
    if not (faces / "manifest.csv").is_file():
        return None
    rows: dict[str, list[dict[str, str]]] = {}
    for row in read_rows(faces):
        rows.setdefault(row["tar"], []).append(row)
    return [Archive(faces / tar, tuple(members)) for tar, members in rows.items()]
