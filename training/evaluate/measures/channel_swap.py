"""Channel swap: is it the face that is seen, or how it was coded?

Reals and fakes are scored at a low and a high quality each. A model that reads the codec does far
better when reals are coded well and fakes badly, or the other way round, than when both are coded
alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from training.evaluate.measures.bench import Bench, Figure, figure
from training.evaluate.measures.disturbed import Level
from training.evaluate.measures.robustness import Taken
from training.metrics import Floats, Labels, Resampling, auc

UNTOUCHED: Final = Level("none", 0.0)
SWAPS: Final = (
    (Level("vp8", 500), Level("vp8", 2000)),
    (Level("vp8", 500), UNTOUCHED),
    (Level("jpeg", 30), Level("jpeg", 95)),
)
"""Low and high quality."""


@dataclass(frozen=True, slots=True)
class Swapped:
    """AUCs of one model; `gap` is the largest distance of a swapped AUC from a matched one."""

    both_low: Figure
    both_high: Figure
    real_low: Figure
    fake_low: Figure
    gap: float


@dataclass(frozen=True, slots=True)
class Swap:
    """One pair of qualities on so many faces."""

    low: str
    high: str
    crops: int
    models: Mapping[str, Swapped]


def measure_swaps(bench: Bench, rows: NDArray[np.intp], taken: Sequence[Taken]) -> tuple[Swap, ...]:
    """Combine scores that `measure_robustness` took of the crops `rows`; nothing is scored."""
    own = {name: bench.judged[name].logits[rows] for name in bench.models}
    found = {(one.level.kind, one.level.level): one for one in taken}
    found["none", 0.0] = Taken(UNTOUCHED, np.arange(len(rows)), own)
    swaps = []
    for low, high in SWAPS:
        one, other = (found.get((level.kind, level.level)) for level in (low, high))
        if one is None or other is None:
            continue
        shared = np.intersect1d(one.rows, other.rows)
        fake = bench.fake[rows[shared]]
        groups = [bench.examples.groups[row] for row in rows[shared]]
        if fake.all() or not fake.any():
            continue
        resampling = Resampling(groups, bench.rounds)
        models = {
            name: swapped(_at(one, name, shared), _at(other, name, shared), fake, resampling)
            for name in bench.models
        }
        swaps.append(Swap(_words(low), _words(high), len(shared), models))
    return tuple(swaps)


def swapped(low: Floats, high: Floats, fake: Labels, resampling: Resampling) -> Swapped:
    """Compare the logits (N,) of the same crops at two qualities."""
    cells = {
        "both_low": low,
        "both_high": high,
        "real_low": np.where(fake, high, low),
        "fake_low": np.where(fake, low, high),
    }
    figures = {name: figure(auc, values, fake, resampling) for name, values in cells.items()}
    gap = max(
        abs(figures[swap].value - figures[match].value)
        for swap in ("real_low", "fake_low")
        for match in ("both_low", "both_high")
    )
    return Swapped(**figures, gap=gap)


def _at(taken: Taken, name: str, rows: NDArray[np.intp]) -> Floats:
    return taken.logits[name][np.searchsorted(taken.rows, rows)]


def _words(level: Level) -> str:
    if level.kind == "none":
        return "untouched"
    return f"JPEG {level.level:g}" if level.kind == "jpeg" else f"VP8 {level.level:g} kbit/s"
