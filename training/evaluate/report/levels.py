"""Plots against the level of a disturbance, one panel for each kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from training.evaluate.measures.bench import Figure as Number
from training.evaluate.measures.robustness import LevelResult, Sweep
from training.evaluate.report.style import (
    BAND,
    as_svg,
    colour,
    legend_above,
    line,
    marker,
    panels,
    plotting,
)

AXES: Final[Mapping[str, tuple[str, str]]] = {
    "jpeg": ("JPEG", "quality"),
    "h264": ("H.264 call", "kbit/s"),
    "vp8": ("VP8 call", "kbit/s"),
    "scale": ("Scale", "crop's side, px"),
    "blur": ("Blur", "sigma, px of 224"),
    "noise": ("Noise", "standard deviation, grey levels"),
    "brightness": ("Brightness", "gain"),
}
"""Kind -> title and what its axis shows; unnamed kinds are shown by their own names."""
COLUMNS: Final = 4


def plot_models(sweep: Sweep, models: Sequence[str], field: str, words: str, name: str) -> bytes:
    """One figure of every model against every level; the dotted line is the undisturbed crop."""
    with plotting():
        figure, kinds = _panels(sweep)
        for kind, axes in kinds.items():
            levels = [one for one in sweep.levels if one.kind == kind]
            places = _axis(axes, kind, levels)
            for index, model in enumerate(models):
                numbers = [getattr(one.models[model], field) for one in levels]
                _drawn(axes, places, numbers, model, index)
                still = getattr(sweep.undisturbed.models[model], field).value
                axes.axhline(still, color=colour(index), linewidth=0.8, linestyle=(0, (1, 3)))
        _finish(figure, kinds, words, models)
        return as_svg(figure, name)


def plot_abstained(sweep: Sweep, name: str) -> bytes:
    """The share of crops too poor to be judged, of reals and of fakes."""
    with plotting():
        figure, kinds = _panels(sweep)
        classes = {"real": "abstained_real", "fake": "abstained_fake"}
        for kind, axes in kinds.items():
            levels = [one for one in sweep.levels if one.kind == kind]
            places = _axis(axes, kind, levels)
            for index, (label, field) in enumerate(classes.items()):
                shares = [getattr(one, field) for one in levels]
                axes.plot(places, shares, marker=marker(index), label=label, **line(index))
                axes.axhline(getattr(sweep.undisturbed, field), color=colour(index), linewidth=0.8,
                             linestyle=(0, (1, 3)))  # fmt: skip
            axes.set_ylim(-0.02, 1.02)
        _finish(figure, kinds, "share abstained", list(classes))
        return as_svg(figure, name)


def _panels(sweep: Sweep) -> tuple[Figure, dict[str, Axes]]:
    kinds = list(dict.fromkeys(one.kind for one in sweep.levels))
    columns = min(COLUMNS, len(kinds))
    rows = -(-len(kinds) // columns)
    figure, axes = panels(rows, columns, (2.65 * columns, 2.5 * rows + 0.4))
    for unused in axes[len(kinds) :]:
        unused.set_axis_off()
    return figure, dict(zip(kinds, axes, strict=False))


def _axis(axes: Axes, kind: str, levels: Sequence[LevelResult]) -> list[int]:
    """Levels stand evenly, the mildest on the left, as the grid has them."""
    title, words = AXES.get(kind, (kind, "level"))
    places = list(range(len(levels)))
    axes.set(title=title, xlabel=words)
    axes.set_xticks(places, [f"{one.level:g}" for one in levels])
    axes.set_xlim(-0.3, len(levels) - 0.7)
    return places


def _drawn(
    axes: Axes, places: Sequence[int], numbers: Sequence[Number], model: str, index: int
) -> None:
    low, value, high = (
        np.array([getattr(one, key) for one in numbers]) for key in ("low", "value", "high")
    )
    axes.fill_between(places, low, high, color=colour(index), alpha=BAND, linewidth=0)
    axes.plot(places, value, marker=marker(index), label=model, **line(index))


def _finish(figure: Figure, kinds: Mapping[str, Axes], words: str, names: Sequence[str]) -> None:
    first = next(iter(kinds.values()))
    limits = [axes.get_ylim() for axes in kinds.values()]
    low, high = min(one[0] for one in limits), max(one[1] for one in limits)
    for index, axes in enumerate(kinds.values()):
        axes.set_ylim(max(low, -0.02), min(high, 1.02))
        axes.tick_params(labelleft=index % COLUMNS == 0)
        if index % COLUMNS == 0:
            axes.set_ylabel(words)
    legend_above(figure, first, names)
