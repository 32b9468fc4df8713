"""Chart: one face's scores over a clip as the geometry of a drawing. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from stream.files.result import FaceCourse, Sample
from stream.types import FaceState

WIDTH: Final = 720
HEIGHT: Final = 180
LEFT: Final = 36
RIGHT: Final = 16
TOP: Final = 18
BOTTOM: Final = 24
LONGEST_GAP_S: Final = 2.0
"""The line is broken where a face was out of sight for longer."""
STEPS_S: Final = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600)
MOST_TICKS: Final = 8


@dataclass(frozen=True, slots=True)
class Mark:
    """A place along one axis, and what is written there."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Everything in the drawing's own units, the origin at its upper left."""

    lines: tuple[str, ...]
    """The window's probability: points of polylines, broken where the face was away."""
    dots: tuple[tuple[float, float], ...]
    """Each scored frame's probability."""
    undecided: tuple[tuple[float, float], ...]
    """Where nothing could be said: from x on, so wide."""
    times: tuple[Mark, ...]
    events: tuple[Mark, ...]
    suspicious_y: float


def chart_of(face: FaceCourse, played_s: float, suspicious_above: float) -> Chart:
    """The drawing of `face` in a clip of `played_s`."""
    last_s = max(played_s, face.last_s, 1e-3)

    def x(at_s: float) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * min(at_s / last_s, 1.0), 1)

    scored = [sample for sample in face.timeline if sample.frame_probability_fake is not None]
    return Chart(
        lines=tuple(
            " ".join(f"{x(s.media_time_s)},{y(s.probability_fake or 0.0)}" for s in piece)
            for piece in _pieces(face.timeline)
        ),
        dots=tuple((x(s.media_time_s), y(s.frame_probability_fake or 0.0)) for s in scored),
        undecided=tuple(
            (x(start_s), round(x(end_s) - x(start_s), 1)) for start_s, end_s in _undecided(face)
        ),
        times=tuple(Mark(x(at_s), clock(at_s)) for at_s in _ticks(last_s)),
        events=tuple(Mark(x(at_s), text) for at_s, text in _events(face)),
        suspicious_y=y(suspicious_above),
    )


def y(probability: float) -> float:
    """Where a probability lies."""
    return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * probability, 1)


def clock(at_s: float) -> str:
    """Minutes and seconds: ``1:05``."""
    return f"{int(at_s) // 60}:{int(at_s) % 60:02d}"


def moment(at_s: float) -> str:
    """Minutes, seconds and tenths: ``1:05.2``."""
    tenths = round(10 * at_s)
    return f"{tenths // 600}:{tenths // 10 % 60:02d}.{tenths % 10}"


def _pieces(timeline: Sequence[Sample]) -> Iterator[list[Sample]]:
    piece: list[Sample] = []
    for sample in timeline:
        away = piece and sample.media_time_s - piece[-1].media_time_s > LONGEST_GAP_S
        if piece and (away or sample.probability_fake is None):
            yield piece
            piece = []
        if sample.probability_fake is not None:
            piece.append(sample)
    if piece:
        yield piece


def _undecided(face: FaceCourse) -> Iterator[tuple[float, float]]:
    start_s: float | None = None
    for sample in face.timeline:
        if sample.state is FaceState.UNDECIDED:
            start_s = sample.media_time_s if start_s is None else start_s
        elif start_s is not None:
            yield start_s, sample.media_time_s
            start_s = None
    if start_s is not None:
        yield start_s, face.last_s


def _events(face: FaceCourse) -> Iterator[tuple[float, str]]:
    if face.fake_since_s is not None:
        yield face.fake_since_s, "swap since"
    if face.alarm_at_s is not None:
        yield face.alarm_at_s, "alarm"


def _ticks(last_s: float) -> Iterator[float]:
    step_s = next((step for step in STEPS_S if last_s / step <= MOST_TICKS), STEPS_S[-1])
    at_s = 0.0
    while at_s <= last_s:
        yield at_s
        at_s += step_s
