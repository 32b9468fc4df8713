"""How plots look: calm, legible in print, and told apart without colour."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

COLOURS: Final = (
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000",
)  # fmt: skip
"""Okabe & Ito's palette, which the colour-blind tell apart."""
DASHES: Final = ("-", "--", "-.", ":")
MARKERS: Final = ("o", "s", "^", "D", "v", "P", "X")
INK: Final = "#1d2733"
SOFT: Final = "#586574"
BAND: Final = 0.16
"""Opacity of an interval's band."""

LOOK: Final[Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9.5,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": "#9aa5b1",
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.grid": True,
    "grid.color": "#e6eaee",
    "grid.linewidth": 0.7,
    "axes.axisbelow": True,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
    "lines.markersize": 4.5,
    "svg.fonttype": "path",
}


@contextmanager
def plotting() -> Iterator[None]:
    """Draw in this style inside the block, and leave matplotlib's settings alone."""
    with mpl.rc_context(LOOK):
        yield


def panels(rows: int, columns: int, size: tuple[float, float]) -> tuple[Figure, list[Axes]]:
    """A figure of `size` inches with that many axes, row by row."""
    figure = Figure(figsize=size, layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False)
    return figure, [axes for row in grid for axes in row]


def line(index: int) -> dict[str, Any]:
    """Colour and dashes of the n-th model."""
    return {"color": colour(index), "linestyle": DASHES[index % len(DASHES)]}


def colour(index: int) -> str:
    """Colour of the n-th model."""
    return COLOURS[index % len(COLOURS)]


def marker(index: int) -> str:
    """Marker of the n-th model."""
    return MARKERS[index % len(MARKERS)]


def legend_above(figure: Figure, axes: Axes, names: Sequence[str]) -> None:
    """One legend for all panels, above them."""
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        figure.legend(handles, labels, loc="outside upper left", ncols=min(4, max(1, len(names))))


def as_svg(figure: Figure, name: str) -> bytes:
    """Give the figure as SVG, the same bytes for the same figure."""
    data = io.BytesIO()
    with mpl.rc_context({"svg.hashsalt": name}):
        figure.savefig(data, format="svg", metadata={"Date": None})
    return data.getvalue()
