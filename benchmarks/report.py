"""What every benchmark prints and writes: tables, percentiles, the machine, figures to meet."""

from __future__ import annotations

import json
import os
import platform
import sys
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

import numpy as np

PACKAGES: Final = (
    "numpy",
    "opencv-python-headless",
    "av",
    "onnxruntime",
    "onnxruntime-gpu",
    "openvino",
    "torch",
    "facenet-pytorch",
    "timm",
)
NOT_RUN: Final = "not run"
"""What a table says for a row whose device or package is not here."""


def parser(name: str, description: str) -> ArgumentParser:
    """Make a parser with the options that all benchmarks share; a benchmark may add its own."""
    made = ArgumentParser(prog=f"python -m benchmarks {name}", description=description)
    made.add_argument("--engine", default="auto", help="runtime of the networks (%(default)s)")
    made.add_argument("--device", default="cpu", help="device of the networks (%(default)s)")
    made.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    made.add_argument("--markdown", type=Path, metavar="FILE", help="write tables for a page there")
    made.add_argument("--check", action="store_true", help="exit 1 if a figure falls short")
    return made


@dataclass(frozen=True, slots=True)
class Requirement:
    """A figure that must be at least, or at most, `limit`. A NaN never suffices."""

    figure: str
    actual: float
    limit: float
    at_least: bool = True

    @property
    def met(self) -> bool:
        """Whether the figure suffices."""
        return self.actual >= self.limit if self.at_least else self.actual <= self.limit

    def __str__(self) -> str:
        verb = "at least" if self.at_least else "at most"
        state = "met" if self.met else "FELL SHORT"
        return f"{state}: {self.figure} is {self.actual:.4g}, must be {verb} {self.limit:.4g}"


@dataclass(slots=True)
class Report:
    """One run of one benchmark: `figures` go to JSON as they are, `tables` to Markdown."""

    name: str
    figures: dict[str, Any] = field(default_factory=dict)
    requirements: list[Requirement] = field(default_factory=list)
    tables: list[Sequence[Mapping[str, Any]]] = field(default_factory=list)

    def show(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Print the rows as a table, and keep them for Markdown."""
        print(table(rows))
        print()
        self.tables.append(rows)

    def finish(self, file: Path | None, check: bool, markdown: Path | None = None) -> int:
        """Print the requirements, write the JSON to `file` and the page's fragment to `markdown`;
        give the exit code.
        """
        for requirement in self.requirements:
            print(requirement)
        if file:
            file.write_text(json.dumps(self.body(), indent=2) + "\n", encoding="utf-8")
        if markdown:
            markdown.write_text(self.fragment(), encoding="utf-8")
        return int(check and not all(requirement.met for requirement in self.requirements))

    def body(self) -> dict[str, Any]:
        """All of it as plain values; a NaN becomes None, which JSON can say."""
        met = [asdict(r) | {"met": r.met} for r in self.requirements]
        body = {
            "benchmark": self.name,
            "date": _today(),
            "machine": machine(),
            "versions": versions(),
            "figures": self.figures,
            "requirements": met,
        }
        return dict(_plain(body))

    def fragment(self) -> str:
        """The tables and what became of the requirements, as Markdown with its circumstances."""
        here = machine()
        packages = ", ".join(f"{name} {number}" for name, number in versions().items())
        parts = [
            f"`python -m benchmarks {self.name}`, {_today()}: {here['cpu']}, {here['cores']} cores,"
            f" {here['system']}; {packages}.",
            *map(markdown_table, self.tables),
        ]
        if self.requirements:
            parts.append("\n".join(f"- {requirement}" for requirement in self.requirements))
        return "\n\n".join(parts) + "\n"


def percentiles(values: Sequence[float]) -> dict[str, float | int | None]:
    """Count, minimum, p50, p95, p99, maximum; None for each without a value."""
    names = {"min": 0, "p50": 50, "p95": 95, "p99": 99, "max": 100}
    if not len(values):
        return {"count": 0} | dict.fromkeys(names)
    with np.errstate(invalid="ignore"):  # between two infinities lies no number
        cuts = np.percentile(np.asarray(values, np.float64), list(names.values()))
    return {"count": len(values)} | dict(zip(names, cuts.tolist(), strict=True))


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Align rows under the keys of the first one; floats get four significant digits."""
    if not rows:
        return "(nothing)"
    heads = list(rows[0])
    lines = [heads, *([_cell(row.get(head)) for head in heads] for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(heads))]
    return "\n".join(
        "  ".join(
            text.rjust(width) if i else text.ljust(width)
            for i, (text, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def markdown_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """The same rows as `table`, for a page."""
    if not rows:
        return "(nothing)"
    lines = [list(rows[0]), ["---" for _ in rows[0]]]
    lines += [[_cell(row.get(head)) for head in rows[0]] for row in rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def machine() -> dict[str, Any]:
    """What was measured on; nothing that names the host."""
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count(),
    }


def versions() -> dict[str, str]:
    """Python's version and those of the packages that are installed and matter here."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _today() -> str:
    return datetime.now(UTC).date().isoformat()


def _cpu() -> str:
    listing = Path("/proc/cpuinfo")
    lines = listing.read_text(encoding="utf-8").splitlines() if listing.is_file() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or "unknown")


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, np.generic):
        return _plain(value.item())
    return None if isinstance(value, float) and not np.isfinite(value) else value
