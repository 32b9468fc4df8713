"""Robustness: AUC, false alarms and abstention against codec, scale, blur, noise and light."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.evaluate.examples import Examples
from training.evaluate.measures.bench import ABSTAINS_BELOW, Bench, Figure, Judged, figure
from training.evaluate.measures.disturbed import Level, disturb, qualities_at, rows_at
from training.metrics import Floats, Labels, Resampling, auc, false_alarm_rate, recall


@dataclass(frozen=True, slots=True)
class AtLevel:
    """One model's figures on the faces of one level.

    `lost` is the AUC of the same faces undisturbed less that at the level. `alarms` is the share
    of reals that are called fake although their quality is enough to be judged: what is left of
    the false positives once the program abstains.
    """

    auc: Figure
    lost: Figure
    fpr: Figure
    recall: Figure
    alarms: Figure


@dataclass(frozen=True, slots=True)
class LevelResult:
    """One level; `abstained` is the share of crops too poor to be judged, of either class."""

    kind: str
    level: float
    reals: int
    fakes: int
    abstained_real: float
    abstained_fake: float
    models: Mapping[str, AtLevel]


@dataclass(frozen=True, slots=True)
class Sweep:
    """All levels; `undisturbed` are the same faces as they are."""

    undisturbed: LevelResult
    levels: tuple[LevelResult, ...]


@dataclass(frozen=True, slots=True)
class Taken:
    """The logits of one level, for channel swaps: `rows` of the subsample, by model."""

    level: Level
    rows: NDArray[np.intp]
    logits: Mapping[str, Floats]


def subsample(examples: Examples, per_class: int | None) -> NDArray[np.intp]:
    """Draw so many crops of each class, always the same; all of them for None."""
    rng = np.random.default_rng(0)
    kept = []
    for label in (False, True):
        rows = np.flatnonzero(examples.fake == label)
        if per_class is not None and len(rows) > per_class:
            rows = rng.choice(rows, per_class, replace=False)
        kept.append(rows)
    return np.concatenate(kept)


def measure_robustness(
    bench: Bench, rows: NDArray[np.intp], levels: list[Level], cache: Path | None
) -> tuple[Sweep, list[Taken]]:
    """Disturb the crops `rows` of the list to every level and score them with every model."""
    part = bench.examples.taken(rows)
    weights = bench.qualities[rows]
    models = {name: bench.judged[name] for name in bench.models}
    base = {name: Judged(j.identity, j.logits[rows], j.over[rows]) for name, j in models.items()}
    results, taken = [], []
    for level in levels:
        chosen = rows_at(level, part.fake)
        some = part.taken(chosen)
        bench.step(f"{level.kind} {level.level:g}: {len(some)} crops are made")
        made = disturb(some, level, bench.threads, cache)
        poor = qualities_at(some, made, level, bench.threads)
        judged = bench.judge(some.with_crops(made.crops), poor, baselines=False)
        before = {name: found.logits[chosen] for name, found in base.items()}
        results.append(_result(level, some, judged, before, poor, bench.rounds))
        taken.append(Taken(level, chosen, {name: j.logits for name, j in judged.items()}))
    own = {name: found.logits for name, found in base.items()}
    still = _result(Level("none", 0.0), part, base, own, weights, bench.rounds)
    return Sweep(still, tuple(results)), taken


def _result(
    level: Level,
    examples: Examples,
    judged: Mapping[str, Judged],
    before: Mapping[str, Floats],
    weights: Floats,
    rounds: int,
) -> LevelResult:
    fake = examples.fake
    resampling = Resampling(examples.groups, rounds)
    judgeable = weights >= ABSTAINS_BELOW
    return LevelResult(
        kind=level.kind,
        level=level.level,
        reals=int((~fake).sum()),
        fakes=int(fake.sum()),
        abstained_real=_share(~judgeable[~fake]),
        abstained_fake=_share(~judgeable[fake]),
        models={
            name: AtLevel(
                auc=figure(auc, found.logits, fake, resampling),
                lost=_lost(found.logits, before[name], fake, resampling),
                fpr=figure(false_alarm_rate, found.over, fake, resampling),
                recall=figure(recall, found.over, fake, resampling),
                alarms=figure(
                    false_alarm_rate, np.where(judgeable, found.over, -np.inf), fake, resampling
                ),
            )
            for name, found in judged.items()
        },
    )


def _lost(now: Floats, before: Floats, fake: Labels, resampling: Resampling) -> Figure:
    value = auc(before, fake) - auc(now, fake)
    if np.isnan(value):
        return Figure(value)
    return Figure(value, *resampling.difference(auc, before, now, fake))


def _share(values: Labels) -> float:
    return float(values.mean()) if len(values) else float("nan")
