"""The figures of clips: false alarms an hour, abstained time, time to detect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from stream.types import FaceState
from training.evaluate.clips.plan import Showing
from training.evaluate.clips.poisson import Rate, poisson_rate
from training.evaluate.clips.watched import Watched


@dataclass(frozen=True, slots=True)
class Seen:
    """A showing and what came of it."""

    showing: Showing
    watched: Watched


@dataclass(frozen=True, slots=True)
class Times:
    """Shares of the time that faces were in sight, summed over faces; NaN without faces.

    `reasons` are shares of the abstained time; several may hold at once.
    """

    face_hours: float
    abstained: float
    suspicious: float
    fake: float
    reasons: Mapping[str, float]

    @classmethod
    def of(cls, watched: Sequence[Watched]) -> Times:
        """Add up several clips."""
        total = sum(each.faces_s for each in watched)

        def share(state: FaceState) -> float:
            inside = sum(each.face_s.get(state, 0.0) for each in watched)
            return inside / total if total else float("nan")

        return cls(
            total / 3600,
            share(FaceState.UNDECIDED),
            share(FaceState.SUSPICIOUS),
            share(FaceState.FAKE),
            _reasons(watched),
        )


@dataclass(frozen=True, slots=True)
class Detection:
    """One showing of a fake; times in seconds of media time, None for never.

    `after_s` counts from the clip's start, `after_face_s` from the first face in sight.
    """

    clip: str
    variant: str
    seconds: float
    after_s: float | None
    after_face_s: float | None
    since_s: float | None


@dataclass(frozen=True, slots=True)
class Source:
    """One real clip over all its showings."""

    clip: str
    showings: int
    hours: float
    alarms: int
    abstained: float
    suspicious: float


@dataclass(frozen=True, slots=True)
class Figures:
    """All of it. `tracks` counts faces that became fake, `streams` streams that did; an hour of
    many faces has more of the first. `skipped` says what could not be watched, and why.
    """

    model: str
    tracks: Rate
    streams: Rate
    per_face_hour: Rate
    alarmed_showings: int
    real_showings: int
    sources: tuple[Source, ...]
    real: Times
    fake: Times
    detections: tuple[Detection, ...]
    skipped: Mapping[str, str]

    def to_body(self) -> dict[str, Any]:
        """Give what JSON can hold."""
        return asdict(self)


def figures(seen: Sequence[Seen], skipped: Mapping[str, str], model: str) -> Figures:
    """Sum up the showings; `model` is for readers."""
    real = [each for each in seen if not each.showing.clip.fake]
    fake = [each for each in seen if each.showing.clip.fake]
    reals = [each.watched for each in real]
    hours = sum(watched.seconds for watched in reals) / 3600
    tracks = sum(len(watched.alarms) for watched in reals)
    times = Times.of(reals)
    return Figures(
        model=model,
        tracks=poisson_rate(tracks, hours),
        streams=poisson_rate(sum(watched.stream_alarms for watched in reals), hours),
        per_face_hour=poisson_rate(tracks, times.face_hours),
        alarmed_showings=sum(bool(watched.alarms) for watched in reals),
        real_showings=len(real),
        sources=_sources(real),
        real=times,
        fake=Times.of([each.watched for each in fake]),
        detections=tuple(_detection(each) for each in fake),
        skipped=skipped,
    )


def _reasons(watched: Sequence[Watched]) -> dict[str, float]:
    """The commonest first."""
    abstained = sum(each.face_s.get(FaceState.UNDECIDED, 0.0) for each in watched)
    names = {name for each in watched for name in each.reasons_s}
    sums = {name: sum(each.reasons_s.get(name, 0.0) for each in watched) for name in sorted(names)}
    ordered = sorted(sums.items(), key=lambda item: -item[1])
    return {name: seconds / abstained for name, seconds in ordered if abstained}


def _sources(seen: Sequence[Seen]) -> tuple[Source, ...]:
    by_clip: dict[str, list[Watched]] = {}
    for each in seen:
        by_clip.setdefault(each.showing.clip.name, []).append(each.watched)
    return tuple(_source(name, watched) for name, watched in sorted(by_clip.items()))


def _source(name: str, watched: Sequence[Watched]) -> Source:
    times = Times.of(watched)
    return Source(
        clip=name,
        showings=len(watched),
        hours=sum(each.seconds for each in watched) / 3600,
        alarms=sum(len(each.alarms) for each in watched),
        abstained=times.abstained,
        suspicious=times.suspicious,
    )


def _detection(seen: Seen) -> Detection:
    watched = seen.watched
    after_s, first_s = watched.alarm_after_s, watched.first_face_s
    first = min(watched.alarms, key=lambda alarm: alarm.at_s, default=None)
    return Detection(
        clip=seen.showing.clip.name,
        variant=str(seen.showing.variant),
        seconds=watched.seconds,
        after_s=after_s,
        after_face_s=None if after_s is None or first_s is None else after_s - first_s,
        since_s=None if first is None else first.since_s,
    )
