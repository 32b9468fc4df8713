"""Table: the ablation's figures as Markdown and JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.metrics import auc, bootstrap


@dataclass(frozen=True, slots=True)
class Cell:
    """One AUC with its 95 % interval (bootstrap by group), over `crops` crops."""

    auc: float
    low: float
    high: float
    crops: int

    @classmethod
    def of(
        cls, logits: NDArray[np.float64], fake: NDArray[np.bool_], groups: Sequence[str]
    ) -> Cell:
        """Work it out."""
        low, high = bootstrap(auc, logits, fake, groups)
        return cls(auc(logits, fake), low, high, len(fake))

    def __str__(self) -> str:
        if math.isnan(self.auc):
            return "–"
        return f"{self.auc:.3f} [{self.low:.3f}, {self.high:.3f}]"


@dataclass(frozen=True, slots=True)
class Row:
    """A variant: what its run took, and a cell for each set."""

    variant: str
    facts: Mapping[str, Any]
    cells: Mapping[str, Cell]


def write_table(rows: Sequence[Row], sets: Sequence[str], out: Path) -> str:
    """Write `out`/ablation.md and ablation.json; give the Markdown."""
    body = [{**asdict(row), "facts": dict(row.facts)} for row in rows]
    (out / "ablation.json").write_text(json.dumps(body, indent=2) + "\n", encoding="utf-8")
    text = markdown(rows, sets)
    (out / "ablation.md").write_text(text, encoding="utf-8")
    return text


def markdown(rows: Sequence[Row], sets: Sequence[str]) -> str:
    """Give the table: a line for each variant, a column for each set, its best AUC in bold."""
    best = {
        name: max((row.cells[name].auc for row in rows if not math.isnan(row.cells[name].auc)),
                  default=math.inf)
        for name in sets
    }  # fmt: skip
    lines = [f"| variant | steps | {' | '.join(sets)} |", f"|---|---|{'---|' * len(sets)}"]
    for row in rows:
        shown = []
        for name in sets:
            cell = row.cells[name]
            shown.append(f"**{cell}**" if cell.auc == best[name] else str(cell))
        lines.append(f"| {row.variant} | {row.facts.get('steps', '–')} | {' | '.join(shown)} |")
    return "\n".join(lines) + "\n"
