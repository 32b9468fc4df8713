"""Evaluation: everything measured of one list, in the order of the report."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

from training.evaluate.examples import Examples
from training.evaluate.forged import Forged
from training.evaluate.measures.bench import Bench
from training.evaluate.measures.breakdown import (
    Difference,
    Pairs,
    Part,
    Permuted,
    by_method,
    by_source,
    differences,
    pairs,
    permuted,
)
from training.evaluate.measures.channel_swap import Swap, measure_swaps
from training.evaluate.measures.disturbed import all_levels
from training.evaluate.measures.headline import Headline, measure_headline
from training.evaluate.measures.masks import Masked, measure_masks
from training.evaluate.measures.pointing import Pointing, measure_pointing
from training.evaluate.measures.robustness import Sweep, measure_robustness, subsample
from training.evaluate.measures.sharing import Sharing, measure_sharing
from training.evaluate.measures.verdicts import VerdictLevel, measure_verdicts


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is done: `per_class` faces at each level (None: all), a few levels if `quick`; so
    many of each class are filmed in calls as `filmed` says.
    """

    per_class: int | None = 300
    quick: bool = False
    control: bool = True
    robustness: bool = True
    filmed: int = 0
    cache: Path | None = None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All that was measured of one list; a None or an empty part was not, or makes no sense."""

    list: str
    half: str
    shared: bool
    reals: int
    fakes: int
    groups: int
    labels_permuted: bool
    models: Mapping[str, Headline]
    differences: tuple[Difference, ...]
    sources: tuple[Part, ...]
    methods: tuple[Part, ...]
    pairs: Pairs | None
    sharing: Sharing | None
    sweep: Sweep | None
    swaps: tuple[Swap, ...]
    masks: tuple[Masked, ...]
    pointing: tuple[Pointing, ...]
    verdicts: tuple[VerdictLevel, ...]
    permuted: Permuted | None

    @property
    def prevalence(self) -> float:
        """Share of fakes."""
        return self.fakes / (self.reals + self.fakes)


def measure(
    bench: Bench,
    stored: Examples,
    training: Examples | None,
    forged: tuple[Forged, ...],
    plan: Plan,
    labels_permuted: bool = False,
) -> Evaluation:
    """Measure one list; `stored` is it before any re-encoding, `training` is the control's."""
    fake = bench.fake
    both = bool(fake.any() and not fake.all())
    rows = subsample(bench.examples, plan.per_class)
    models = {name: measure_headline(bench, judged) for name, judged in bench.judged.items()}
    sharing = measure_sharing(bench, stored, training, plan.control)
    sweep, taken = (
        measure_robustness(bench, rows, all_levels(plan.quick), plan.cache)
        if plan.robustness and bench.models
        else (None, [])
    )
    first = next(iter(bench.judged.values()))
    return Evaluation(
        list=bench.examples.name,
        half=bench.examples.half,
        shared=bench.examples.shared,
        reals=int((~fake).sum()),
        fakes=int(fake.sum()),
        groups=len(set(bench.examples.groups)),
        labels_permuted=labels_permuted,
        models=models,
        differences=differences(bench),
        sources=by_source(bench),
        methods=by_method(bench),
        pairs=pairs(bench) if both else None,
        sharing=sharing,
        sweep=sweep,
        swaps=measure_swaps(bench, rows, taken) if both else (),
        masks=measure_masks(bench, rows) if plan.robustness else (),
        pointing=measure_pointing(bench, forged) if forged else (),
        verdicts=measure_verdicts(bench, subsample(bench.examples, plan.filmed)),
        permuted=permuted(first.logits, fake) if both else None,
    )


def as_json(value: Any) -> Any:
    """Turn results into what JSON holds: dataclasses to objects, NaN to null."""
    if is_dataclass(value):
        return {one.name: as_json(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): as_json(inner) for key, inner in value.items()}
    if isinstance(value, tuple | list):
        return [as_json(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
