"""The Deepfake Detection Challenge (Dolhansky et al., 2020): folders with a metadata.json.

    {"a.mp4": {"label": "FAKE", "split": "train", "original": "b.mp4"}, "b.mp4": {"label": "REAL"}}

A fake belongs to its original's group. Its ``split`` names the release that it came in, which is
"train" for all that has labels, so it is not kept.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from training.prepare.item import Footage

SOURCE: Final = "dfdc"
LICENCE: Final = "DFDC (restricted research data)"
METHOD: Final = "dfdc-mix"
LISTING: Final = "metadata.json"


def recognise(folder: Path) -> list[Footage] | None:
    """One item for each video listed, whether it is there or not.

    Raises: ValueError for a listing that is not of this form.
    """
    listings = sorted(folder.rglob(LISTING))
    if not listings:
        return None
    items: list[Footage] = []
    for listing in listings:
        try:
            entries = json.loads(listing.read_text(encoding="utf-8"))
            items += [_footage(listing, name, entries[name]) for name in sorted(entries)]
        except (ValueError, TypeError, KeyError, AttributeError) as exc:
            raise ValueError(f"{listing} is no DFDC listing: {exc}") from exc
    return items


def _footage(listing: Path, name: str, entry: dict[str, Any]) -> Footage:
    label = entry["label"]
    if label not in {"REAL", "FAKE"}:
        raise ValueError(f"{name} is labelled {label!r}")
    if Path(name).name != name:
        raise ValueError(f"{name!r} leads out of the folder")
    fake = label == "FAKE"
    original = str(entry.get("original") or name) if fake else name
    return Footage(
        path=listing.parent / name,
        source=SOURCE,
        name=name,
        fake=fake,
        identities=(f"{SOURCE}/{Path(original).stem}",),
        method=METHOD if fake else "",
        licence=LICENCE,
    )
