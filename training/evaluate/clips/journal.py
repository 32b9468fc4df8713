"""Journal: the clips that were watched already, so that an hour of video need not be begun anew."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from training.evaluate.clips.watched import Watched


class Journal:
    """One line of JSON for each finished variant, in a file; a line cut short is overlooked.

    Keys name everything that the outcome depends on (see `training.evaluate.clips.plan`), so a
    journal may be shared by runs of different models.

    Raises (on making): OSError.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[str, Watched] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            for line in path.read_text(encoding="utf-8").splitlines():
                if (entry := _entry(line)) is not None:
                    self._known[entry["key"]] = Watched.from_body(entry["watched"])

    def find(self, key: str) -> Watched | None:
        """What was seen under this key, if it was."""
        return self._known.get(key)

    def add(self, key: str, watched: Watched, about: Mapping[str, Any]) -> None:
        """Write an entry; `about` is for readers of the file only."""
        self._known[key] = watched
        line = json.dumps({"key": key, **about, "watched": watched.to_body()})
        with self._path.open("a", encoding="utf-8") as stream:
            stream.write(line + "\n")


def _entry(line: str) -> dict[str, Any] | None:
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) and {"key", "watched"} <= entry.keys() else None
