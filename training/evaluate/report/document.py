"""Document: what a report says, before it takes a form.

Texts are plain; a renderer escapes them. Plots come as SVG.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from training.evaluate.measures.bench import Figure

ABSENT = "–"


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph."""

    text: str


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells under a header; the first column names the row, `caption` stands above."""

    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Plot:
    """A picture: `name` for its file, `caption` below it, `words` for those who cannot see it."""

    name: str
    svg: bytes
    caption: str
    words: str


Block = Text | Table | Plot


@dataclass(frozen=True, slots=True)
class Section:
    """A titled part."""

    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """A whole report; `facts` are the few lines under the title, `warnings` stand out."""

    title: str
    facts: Mapping[str, str]
    warnings: tuple[str, ...]
    sections: tuple[Section, ...]


def number(value: float, digits: int = 3) -> str:
    """A number of so many decimals, or a dash."""
    return f"{value:.{digits}f}" if math.isfinite(value) else ABSENT


def percent(value: float) -> str:
    """A share in percent, with one decimal below ten."""
    if not math.isfinite(value):
        return ABSENT
    return f"{100 * value:.1f} %" if 100 * value < 9.95 else f"{100 * value:.0f} %"


def with_interval(figure: Figure, digits: int = 3) -> str:
    """A number with its 95 % interval."""
    if not math.isfinite(figure.low):
        return number(figure.value, digits)
    span = f"{number(figure.low, digits)}, {number(figure.high, digits)}"
    return f"{number(figure.value, digits)} [{span}]"


def signed(figure: Figure) -> str:
    """A difference with its 95 % interval and signs."""
    if not math.isfinite(figure.value):
        return ABSENT
    written = f"{figure.value:+.3f} [{figure.low:+.3f}, {figure.high:+.3f}]"
    return written.replace("-", "−")
