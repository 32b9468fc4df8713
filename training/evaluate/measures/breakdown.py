"""Breakdown: AUC by source and by method, pairs, differences between models, permuted labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from training.evaluate.measures.bench import Bench, Figure, figure_of
from training.metrics import Floats, Labels, auc, false_alarm_rate, limits

PERMUTATIONS = 200


@dataclass(frozen=True, slots=True)
class Part:
    """One source, or one method's fakes against the reals of their sources."""

    name: str
    reals: int
    fakes: int
    auc: Mapping[str, Figure]
    false_alarms: Mapping[str, Figure]


@dataclass(frozen=True, slots=True)
class Pairs:
    """How often a fake scores above a real of its own group; `groups` have both."""

    groups: int
    above: Mapping[str, Figure]


@dataclass(frozen=True, slots=True)
class Difference:
    """AUC of `first` less that of `second`, on the same crops and the same draws."""

    first: str
    second: str
    auc: Figure


@dataclass(frozen=True, slots=True)
class Permuted:
    """AUC against labels in random order: a check of this evaluation, which must give 0.5."""

    mean: float
    low: float
    high: float


def by_source(bench: Bench) -> tuple[Part, ...]:
    """AUC and false alarms of each source."""
    sources = np.array(bench.examples.sources)
    return tuple(_part(bench, str(name), sources == name) for name in np.unique(sources))


def by_method(bench: Bench) -> tuple[Part, ...]:
    """AUC of each method's fakes, against the reals of the sources that have such fakes."""
    sources, methods = np.array(bench.examples.sources), np.array(bench.examples.methods)
    parts = []
    for name in np.unique(methods[bench.fake]) if bench.fake.any() else ():
        own = bench.fake & (methods == name)
        reals = ~bench.fake & np.isin(sources, sources[own])
        parts.append(_part(bench, str(name) or "unnamed", own | reals))
    return tuple(parts)


def pairs(bench: Bench) -> Pairs | None:
    """Compare within groups; None when no group has both classes."""
    groups = np.array(bench.examples.groups)
    both = np.intersect1d(groups[bench.fake], groups[~bench.fake])
    if not len(both):
        return None
    members = [np.flatnonzero(groups == name) for name in both]
    rng = np.random.default_rng(0)
    draws = rng.integers(len(both), size=(bench.rounds, len(both)))
    above = {}
    for name, judged in bench.judged.items():
        shares = np.array([auc(judged.logits[rows], bench.fake[rows]) for rows in members])
        interval = limits(list(shares[draws].mean(1)))
        above[name] = Figure(float(shares.mean()), *interval)
    return Pairs(len(both), above)


def differences(bench: Bench) -> tuple[Difference, ...]:
    """Every model against every other that was named after it."""
    if bench.fake.all() or not bench.fake.any():
        return ()
    found = []
    for (first, one), (second, other) in combinations(bench.judged.items(), 2):
        gap = auc(one.logits, bench.fake) - auc(other.logits, bench.fake)
        interval = bench.resampling.difference(auc, one.logits, other.logits, bench.fake)
        found.append(Difference(first, second, Figure(gap, *interval)))
    return tuple(found)


def permuted(logits: Floats, fake: Labels) -> Permuted:
    """Shuffle the labels often and give the mean and the middle 95 % of the AUC."""
    rng = np.random.default_rng(0)
    values = [auc(logits, rng.permutation(fake)) for _ in range(PERMUTATIONS)]
    return Permuted(float(np.mean(values)), *limits(values))


def _part(bench: Bench, name: str, rows: Labels) -> Part:
    fake = bench.fake[rows]
    judged = bench.judged
    return Part(
        name=name,
        reals=int((~fake).sum()),
        fakes=int(fake.sum()),
        auc={m: figure_of(auc, found.logits, bench, rows) for m, found in judged.items()},
        false_alarms={
            m: figure_of(false_alarm_rate, found.over, bench, rows) for m, found in judged.items()
        },
    )
