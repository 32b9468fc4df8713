"""The report of a preparation: what was kept, and what was dropped and why."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from training.prepare.item import Drop
from training.prepare.settings import Settings
from training.prepare.shards import Kept

SHOWN: Final = 50
"""Drops that the Markdown lists for each reason; the JSON has all."""
LARGE: Final = 0.5
"""A group with more than this share of its source's crops is pointed out."""


@dataclass(frozen=True, slots=True)
class Report:
    """All that happened. `mixed` are groups that the input had in both splits."""

    inputs: tuple[str, ...]
    settings: Settings
    val_share: float
    near: int
    kept: Sequence[Kept]
    drops: Sequence[Drop]
    mixed: Sequence[str]

    def write(self, folder: Path) -> None:
        """Write ``report.json`` and ``report.md``.

        Raises: OSError.
        """
        text = json.dumps(self.facts(), indent=1)
        (folder / "report.json").write_text(text + "\n", encoding="utf-8")
        (folder / "report.md").write_text("\n".join(self._lines()) + "\n", encoding="utf-8")

    def facts(self) -> dict[str, Any]:
        """Give the report as JSON has it."""
        return {
            "inputs": list(self.inputs),
            "settings": asdict(self.settings),
            "val_share": self.val_share,
            "near_bits": self.near,
            "kept": [
                {"source": source, "label": label, "split": split, "crops": crops, "groups": groups}
                for source, label, split, crops, groups in self._counts()
            ],
            "without_landmarks": sum(not entry.crop.landmarks for entry in self.kept),
            "warnings": list(self.warnings()),
            "dropped": dict(self._reasons()),
            "drops": [asdict(drop) for drop in self.drops],
        }

    def warnings(self) -> Iterator[str]:
        """Say what a reader of figures has to know."""
        for group in self.mixed:
            yield f"the input had group {group} in train and in val: all of it went to val"
        sources: dict[str, list[Kept]] = {}
        for entry in self.kept:
            sources.setdefault(entry.crop.source, []).append(entry)
        for source, entries in sorted(sources.items()):
            group, crops = Counter(entry.group for entry in entries).most_common(1)[0]
            if crops > LARGE * len(entries) and len(entries) > 1:
                yield f"{crops} of the {len(entries)} crops of {source} are one group, {group}"

    def _counts(self) -> list[tuple[str, str, str, int, int]]:
        groups: dict[tuple[str, str, str], set[str]] = {}
        crops: Counter[tuple[str, str, str]] = Counter()
        for entry in self.kept:
            key = (entry.crop.source, "fake" if entry.crop.fake else "real", entry.split)
            crops[key] += 1
            groups.setdefault(key, set()).add(entry.group)
        return [(*key, crops[key], len(groups[key])) for key in sorted(crops)]

    def _reasons(self) -> list[tuple[str, int]]:
        reasons: Counter[str] = Counter()
        for drop in self.drops:
            reasons[_reason(drop)] += drop.count
        return reasons.most_common()

    def _lines(self) -> Iterator[str]:
        yield "# Prepared faces\n"
        yield f"From {', '.join(self.inputs)}: {len(self.kept)} crops.\n"
        yield "| source | label | split | crops | groups |\n|---|---|---|---|---|"
        for row in self._counts():
            yield f"| {' | '.join(map(str, row))} |"
        for warning in self.warnings():
            yield f"\n**{warning}.**"
        yield "\n## What was dropped\n"
        yield "| why | how many |\n|---|---|"
        for why, count in self._reasons():
            yield f"| {_plain(why)} | {count} |"
        for why, _ in self._reasons():
            yield f"\n### {_plain(why)}\n"
            own = [drop for drop in self.drops if _reason(drop) == why]
            yield from (_line(drop) for drop in own[:SHOWN])
            if len(own) > SHOWN:
                yield f"\nand {len(own) - SHOWN} more in `report.json`."


def _reason(drop: Drop) -> str:
    """The kind of reason: what follows a colon is about one file."""
    kind, _, detail = drop.why.partition(": ")
    return drop.why if kind == "poor quality" else (kind if detail else drop.why)


def _line(drop: Drop) -> str:
    times = f" (×{drop.count})" if drop.count > 1 else ""
    like = f", like {drop.like}" if drop.like else ""
    return f"- {_plain(f'{drop.what}{times}: {drop.why}{like}')}"


def _plain(text: str) -> str:
    """Names of files are no Markdown."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;").replace("`", "'")
