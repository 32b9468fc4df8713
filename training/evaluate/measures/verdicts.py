"""Verdicts: what the program comes to say of people in calls, not of single crops.

A crop that is called fake is no alarm yet, and one from a poor call may not be judged at all. So a
list's faces are filmed through calls of several bitrates, and what is scored goes through the
window, the cumulative sum and the verdict that run live.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from stream.scoring.calibration import calibrated_logit
from stream.scoring.cusum import Cusum
from stream.scoring.options import ScoringOptions
from stream.scoring.verdict import Verdict
from stream.scoring.window import ScoreWindow
from stream.types import FaceScore, FaceState, Quality
from training.ahead import done_ahead
from training.channel.call import FACE_PX, Filmed, filmed_in_call
from training.channel.levels import call_encoder
from training.evaluate.examples import Examples
from training.evaluate.looks import qualities
from training.evaluate.measures.bench import Bench, Figure, figure
from training.evaluate.measures.disturbed import Level
from training.evaluate.scorers import Identity
from training.metrics import Floats, Labels, Metric, Resampling, false_alarm_rate, recall

LEVELS: Final = tuple(
    Level(kind, float(rate))
    for kind, rates in {"vp8": (1000, 500, 300, 150), "h264": (500, 150)}.items()
    for rate in rates
)
SECONDS: Final = 10.0
AHEAD: Final = 2
"""Films made ahead for each thread: 100 MB each while they are coded."""
OPTIONS: Final = ScoringOptions()
ACCUSED: Final = (FaceState.SUSPICIOUS, FaceState.FAKE)
NO_MAP: Final = np.zeros((0, 0), np.float32)


@dataclass(frozen=True, slots=True)
class Spoken:
    """What is said of one class: the share of people who raise an alarm within `SECONDS`, and the
    shares of time for which they are suspicious or fake, and undecided.
    """

    alarmed: Figure
    accused: Figure
    undecided: Figure


@dataclass(frozen=True, slots=True)
class VerdictLevel:
    """One kind of call; `of_real` and `of_fake` by model."""

    kind: str
    level: float
    reals: int
    fakes: int
    of_real: Mapping[str, Spoken]
    of_fake: Mapping[str, Spoken]


def measure_verdicts(bench: Bench, rows: NDArray[np.intp]) -> tuple[VerdictLevel, ...]:
    """Film the crops `rows` of the list in every call; models without an alarm are left out."""
    models = {n: s for n, s in bench.models.items() if s.identity.alarm is not None}
    part = bench.examples.taken(rows)
    if not models or not len(part):
        return ()
    resampling = Resampling(part.groups, bench.rounds)
    results = []
    for level in LEVELS:
        bench.step(f"{level.kind} {level.level:g}: {len(part)} people are filmed")
        said: dict[str, list[list[FaceState]]] = {name: [] for name in models}
        for index, film in enumerate(_films(part, level, bench.threads)):
            weights = _weights(part, index, film)
            for name, scorer in models.items():
                logits, _ = scorer.look(film.crops)
                said[name].append(verdicts(scorer.identity, logits, weights))
        spoken = {name: _spoken(states, part.fake, resampling) for name, states in said.items()}
        results.append(
            VerdictLevel(
                level.kind, level.level, int((~part.fake).sum()), int(part.fake.sum()),
                of_real={name: real for name, (real, _) in spoken.items()},
                of_fake={name: fake for name, (_, fake) in spoken.items()},
            )
        )  # fmt: skip
    return tuple(results)


def verdicts(identity: Identity, logits: Floats, weights: Floats) -> list[FaceState]:
    """The state after each crop of one face, as the program reaches it with its own settings.

    `logits` and quality `weights` (T,) are of crops that follow each other as they do live.
    """
    assert identity.alarm is not None
    cusum = Cusum(identity.alarm, identity.alarm.threshold(OPTIONS.false_alarms_per_hour))
    verdict, window = Verdict(OPTIONS, cusum), ScoreWindow(OPTIONS.window_s)
    states = []
    for step, (logit, weight) in enumerate(zip(logits.tolist(), weights.tolist(), strict=True)):
        at_s = step / OPTIONS.target_fps
        if weight > 0:
            level = identity.calibration.at(weight)
            evidence = calibrated_logit(logit, level.temperature, level.bias)
            window.add(FaceScore(0, at_s, at_s, evidence, NO_MAP, Quality(weight)))
            cusum.add(at_s, evidence, weight)
        states.append(verdict.decide(window.at(at_s), at_s).state)
    return states


def _films(examples: Examples, level: Level, threads: int) -> Iterator[Filmed]:
    """In order, a bounded number ahead; a fake and its own real pass the same call."""
    encoder = call_encoder(level.kind, level.level)
    film = partial(filmed_in_call, encoder=encoder, seconds=SECONDS, per_s=OPTIONS.target_fps)
    jobs = (
        partial(film, crop, rng=np.random.default_rng(crc32(group.encode())))
        for crop, group in zip(examples.crops, examples.groups, strict=True)
    )
    return done_ahead(jobs, threads, AHEAD * threads)


def _weights(examples: Examples, index: int, film: Filmed) -> Floats:
    looks = examples.looks.taken(np.full(len(film.crops), index))
    face_px = FACE_PX / examples.geometry.crop_scale
    return qualities(film.crops, looks, examples.geometry, face_px, 1, film.quantisers)


def _spoken(
    states: list[list[FaceState]], fake: Labels, resampling: Resampling
) -> tuple[Spoken, Spoken]:
    alarmed = np.array([1.0 if FaceState.FAKE in one else -1.0 for one in states])
    accused, undecided = (
        np.array([_share(one, wanted) for one in states])
        for wanted in (ACCUSED, (FaceState.UNDECIDED,))
    )
    real, forged = (
        Spoken(
            alarmed=figure(rate, alarmed, fake, resampling),
            accused=_time(mean, accused, fake, resampling),
            undecided=_time(mean, undecided, fake, resampling),
        )
        for rate, mean in ((false_alarm_rate, _mean_of_reals), (recall, _mean_of_fakes))
    )
    return real, forged


def _time(mean: Metric, shares: Floats, fake: Labels, resampling: Resampling) -> Figure:
    """A mean share of time; 0 and 1 have no interval, as draws would give just that again."""
    found = figure(mean, shares, fake, resampling)
    return Figure(found.value) if found.value in (0, 1) else found


def _share(states: list[FaceState], wanted: tuple[FaceState, ...]) -> float:
    """Of the time from the first moment at which a verdict has the samples that it needs."""
    judged = states[OPTIONS.min_samples - 1 :]
    return sum(state in wanted for state in judged) / len(judged)


def _mean_of_reals(values: Floats, fake: Labels) -> float:
    return float(values[~fake].mean()) if (~fake).any() else float("nan")


def _mean_of_fakes(values: Floats, fake: Labels) -> float:
    return float(values[fake].mean()) if fake.any() else float("nan")
