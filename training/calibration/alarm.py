"""The alarm: which clip and drift detect soonest at one rate of false alarms.

A person's own offset does not average out, so the threshold cannot take care of it: the drift
has to exceed it. People whose mean evidence is above the drift alarm sooner or later whatever
the threshold, and are counted as such. What the others' sums do in sessions of minutes sets the
threshold; a session wanders among its person's takes, which differ in view, light, size and
codec as what a living face shows differs from one moment to the next.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from engines.spec import AlarmModel
from training.calibration.correlation import correlation_s
from training.calibration.sessions import Evidence, Sum, first_crossing_s
from training.calibration.tail import Tail, fit_tail

CLIPS: Final = (2.0, 3.0, 4.0, 6.0)
"""Nats that one crop may say at most."""
DRIFT_STEP: Final = 0.25
SESSION_S: Final = 300.0
"""How long one person is taken to stay. It turns "one person in so many" into a rate: where one
of a hundred is taken for a fake, strangers of five minutes give one false alarm in 8 hours."""
HORIZON_S: Final = 30.0
"""A fake that is not detected by then counts as detected then."""
DRAWS: Final = 4
"""Sessions drawn of each person."""
RUN_S: Final = 5.0
"""How long a face keeps its pose, its light and its codec's mood, on average, before a session
goes to another moment. Longer runs let sums climb higher, and so ask for higher thresholds."""
MOST_CORRELATED_S: Final = 10.0
ROUNDS: Final = 60
"""Draws of people for the threshold's interval."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One clip and drift, and what came out with them.

    `persistent` people have a mean above the drift: they make `floor_per_hour` whatever the
    threshold. `detected` is the share of fakes within `HORIZON_S`, `delay_s` the median over
    those, `mean_delay_s` the mean with all others at the horizon.
    """

    sum: Sum
    persistent: int
    floor_per_hour: float
    tail: Tail
    threshold: float
    detected: float = 0.0
    delay_s: float = float("nan")
    mean_delay_s: float = HORIZON_S


@dataclass(frozen=True, slots=True)
class Choice:
    """The alarm that was chosen, and everything that was not."""

    model: AlarmModel
    chosen: Setting
    settings: tuple[Setting, ...]
    threshold_interval: tuple[float, float]
    real_hours: float
    session_hours: float


@dataclass(frozen=True, slots=True)
class Sessions:
    """What settings are judged on: the people, and sessions drawn of them."""

    real: Evidence
    drawn: Evidence

    @classmethod
    def of(cls, real: Evidence, session_s: float, draws: int, rng: np.random.Generator) -> Sessions:
        """Draw `draws` sessions for each person."""
        many = real.of(np.repeat(np.arange(len(real.people)), draws))
        return cls(real, many.drawn(session_s, RUN_S, rng))

    def judge(self, each: Sum, per_hour: float) -> Setting:
        """Set the threshold for one sum."""
        persistent = self.real.people[self.real.offsets(each.clip) > each.drift]
        session_h = self.drawn.seconds / 3600
        floor = len(persistent) / len(self.real.people) / session_h
        fleeting = self.drawn.of(~np.isin(self.drawn.people, persistent))
        maxima = each.along(fleeting).max(1) if len(fleeting.people) else np.zeros(1)
        tail = fit_tail(maxima, session_h)
        # All of it where the people alone make more: no threshold changes that.
        left = per_hour - floor if floor < per_hour else per_hour
        return Setting(each, len(persistent), floor, tail, max(each.clip, tail.threshold(left)))


def choose_alarm(
    real: Evidence, fake: Evidence, per_hour: float, session_s: float = SESSION_S, seed: int = 0
) -> Choice:
    """Set the alarm for `per_hour` false alarms an hour of one real face.

    Every setting's threshold is the one that gives `per_hour`, the people whose offset exceeds
    its drift included; among these equals the shortest mean delay on fakes wins (a mean
    restricted to a horizon: Royston & Parmar, BMC Medical Research Methodology 2013). Where the
    people alone make more than `per_hour`, the setting that comes closest wins.

    Raises: ValueError when no real face's score varies.
    """
    rng = np.random.default_rng(seed)
    sessions = Sessions.of(real, session_s, DRAWS, rng)
    fakes = fake.of(np.repeat(np.arange(len(fake.people)), DRAWS)).drawn(HORIZON_S, RUN_S, rng)
    judged = [
        sessions.judge(Sum(clip, round(_correlation(real, clip), 3), float(drift)), per_hour)
        for clip in CLIPS
        for drift in np.arange(0, clip, DRIFT_STEP)
    ]
    settings = tuple(_detecting(setting, fakes) for setting in judged)
    chosen = min(settings, key=lambda s: (max(0.0, s.floor_per_hour - per_hour), s.mean_delay_s))
    return Choice(
        model=_model(chosen, per_hour, real.hours),
        chosen=chosen,
        settings=settings,
        threshold_interval=_interval(chosen.sum, real, per_hour, session_s, rng),
        real_hours=real.hours,
        session_hours=sessions.drawn.hours,
    )


def _detecting(setting: Setting, fakes: Evidence) -> Setting:
    delays = first_crossing_s(setting.sum.along(fakes), setting.threshold, fakes.step_s)
    found = delays[np.isfinite(delays)]
    return replace(
        setting,
        detected=len(found) / len(delays),
        delay_s=float(np.median(found)) if len(found) else float("nan"),
        mean_delay_s=float(np.minimum(delays, HORIZON_S).mean()),
    )


def _model(chosen: Setting, per_hour: float, scored_hours: float) -> AlarmModel:
    per_e_fold = chosen.tail.per_e_fold
    # The line goes through the threshold that counts the persistent people in.
    at_1 = chosen.threshold - per_e_fold * float(np.log(1 / per_hour))
    # Below three events in the video that was scored a rate is reckoned, not seen (rule of three).
    seen = max(3 / scored_hours, chosen.floor_per_hour)
    return AlarmModel(
        clip=chosen.sum.clip,
        correlation_s=chosen.sum.correlation_s,
        drift=chosen.sum.drift,
        threshold_at_1_per_hour=round(max(at_1, 1e-3), 3),
        threshold_per_e_fold=round(per_e_fold, 3),
        extrapolated_below_per_hour=round(seen, 3),
    )


def _interval(
    each: Sum, real: Evidence, per_hour: float, session_s: float, rng: np.random.Generator
) -> tuple[float, float]:
    """95 % interval of the threshold when whole people are drawn with replacement."""
    found = []
    count = len(real.people)
    for _ in range(ROUNDS):
        people = real.of(rng.integers(count, size=count))
        found.append(Sessions.of(people, session_s, 1, rng).judge(each, per_hour).threshold)
    low, high = np.percentile(found, [2.5, 97.5])
    return float(low), float(high)


def _correlation(real: Evidence, clip: float) -> float:
    """The correlation time within takes: what differs between takes is left to the sessions."""
    seen = np.where(real.weights > 0, real.clipped(clip), np.nan)
    takes = seen.reshape(len(seen) * real.takes, -1)
    return min(MOST_CORRELATED_S, correlation_s(takes, real.step_s))
