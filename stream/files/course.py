"""Course: a clip's messages, summed up face by face: pure."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from engines.spec import CropGeometry
from stream.faces.align import frame_from_crop
from stream.files.result import Box, FaceCourse, Moment, Sample, Segment
from stream.messages import Face, OverlayMessage
from stream.scoring.verdict import worst_state
from stream.types import FaceState, Reason

SEGMENT_S: Final = 1.0
UNSCORED_EVERY_S: Final = 0.5
LONGEST_STEP_S: Final = 0.5
"""Between two messages of a face more time than this was spent out of sight."""
SEVERITY: Final = (
    FaceState.UNDECIDED, FaceState.NO_EVIDENCE, FaceState.SUSPICIOUS, FaceState.FAKE,
)  # fmt: skip

CutOut = Callable[[float, Box], str | None]
"""Gives the crop at a media time, in the analysed picture's pixels, as a JPEG in base64."""


@dataclass(slots=True)
class _Second:
    probabilities: list[float] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)
    states: set[FaceState] = field(default_factory=set)


@dataclass(slots=True)
class _Track:
    first_s: float
    last_s: float
    state: FaceState = FaceState.UNDECIDED
    reasons: dict[Reason, int] = field(default_factory=dict)
    seen: int = 0
    undecided_s: float = 0.0
    fake_since_s: float | None = None
    alarm_at_s: float | None = None
    seconds: dict[int, _Second] = field(default_factory=dict)
    timeline: list[Sample] = field(default_factory=list)
    moments: list[tuple[float, float, Moment]] = field(default_factory=list)


class Course:
    """Feed it a stream's messages in order; `faces` gives what they say in all.

    `scale` (across, down) takes the analysed picture's pixels to the clip's. For each face the
    `moments` frames of highest probability are kept, with what `cut_out` gives of them. What is
    kept grows with scored samples, which the clip's length and `faces.max_faces` bound.
    """

    def __init__(
        self, geometry: CropGeometry, moments: int = 3, cut_out: CutOut | None = None
    ) -> None:
        self._geometry = geometry
        self._moments = moments
        self._cut_out = cut_out
        self._tracks: dict[int, _Track] = {}
        self._seen_s = 0.0
        self.messages = 0
        self.degraded: tuple[str, ...] = ()

    def add(self, message: OverlayMessage, scale: tuple[float, float] = (1.0, 1.0)) -> None:
        """Take the next message."""
        self.messages += 1
        self.degraded = tuple(dict.fromkeys((*self.degraded, *message.health.degraded)))
        for face in message.faces:
            self._add(message.media_time_s, face, scale)

    @property
    def undecided_share(self) -> float:
        """Of the faces' time in sight, the share in which nothing could be said."""
        undecided_s = sum(track.undecided_s for track in self._tracks.values())
        return min(1.0, undecided_s / self._seen_s) if self._seen_s else 0.0

    def faces(self) -> tuple[FaceCourse, ...]:
        """Every face so far, in the order in which they came."""
        return tuple(_face(track_id, track) for track_id, track in self._tracks.items())

    def _add(self, at_s: float, face: Face, scale: tuple[float, float]) -> None:
        track = self._tracks.setdefault(face.track_id, _Track(at_s, at_s))
        step_s = min(at_s - track.last_s, LONGEST_STEP_S)
        self._seen_s += step_s
        if face.state is FaceState.UNDECIDED:
            track.undecided_s += step_s
        if face.state is FaceState.FAKE:
            track.alarm_at_s = at_s if track.alarm_at_s is None else track.alarm_at_s
            track.fake_since_s = (
                face.fake_since_s if track.fake_since_s is None else track.fake_since_s
            )
        track.last_s = at_s
        track.seen += 1
        track.state = max(track.state, face.state, key=SEVERITY.index)
        for reason in face.reasons:
            track.reasons[reason] = track.reasons.get(reason, 0) + 1
        second = track.seconds.setdefault(int(at_s // SEGMENT_S), _Second())
        second.states.add(face.state)
        if face.frame_probability_fake is not None:
            second.probabilities.append(face.frame_probability_fake)
            second.weights.append(face.quality)
            self._keep_moment(track, at_s, face, scale)
        _note(track, at_s, face, scale)

    def _keep_moment(
        self, track: _Track, at_s: float, face: Face, scale: tuple[float, float]
    ) -> None:
        probability = face.frame_probability_fake
        if probability is None or face.heatmap is None or not self._moments:
            return
        if len(track.moments) >= self._moments and probability <= track.moments[0][0]:
            return
        crop_px = crop_box(face, self._geometry)
        moment = Moment(
            media_time_s=at_s,
            probability_fake=probability,
            quality=face.quality,
            box_px=_scaled(face.box_px, scale),
            crop_px=_scaled(crop_px, scale),
            heatmap=face.heatmap,
            picture_jpeg=self._cut_out(at_s, crop_px) if self._cut_out else None,
        )
        heapq.heappush(track.moments, (probability, at_s, moment))
        if len(track.moments) > self._moments:
            heapq.heappop(track.moments)


def highest(faces: tuple[FaceCourse, ...]) -> FaceCourse | None:
    """The face that stands for the clip: of those that something could be said of, the one of
    highest probability; of the others only where there is none.
    """
    scored = [face for face in faces if face.probability_fake is not None]
    decided = [face for face in scored if face.state is not FaceState.UNDECIDED]
    return max(decided or scored, key=lambda face: face.probability_fake or 0.0, default=None)


def clip_state(faces: tuple[FaceCourse, ...]) -> FaceState | None:
    """The worst state among the faces that something could be said of; `undecided` if there is no
    such face, None if there is no face. Passers-by who were seen too briefly leave it as it is.
    """
    states = {face.state for face in faces}
    return worst_state(states - {FaceState.UNDECIDED}) or worst_state(states)


def crop_box(face: Face, geometry: CropGeometry) -> Box:
    """The square that the network saw of `face`, upright, in the analysed picture's pixels."""
    affine = frame_from_crop(
        np.asarray(face.box_px, np.float32), np.asarray(face.landmarks_px, np.float32), geometry
    )
    side = geometry.size_px
    corners = affine @ np.array([[0, side, 0, side], [0, 0, side, side], [1, 1, 1, 1]])
    (x1, y1), (x2, y2) = corners.min(axis=1).tolist(), corners.max(axis=1).tolist()
    return round(x1, 2), round(y1, 2), round(x2, 2), round(y2, 2)


def _note(track: _Track, at_s: float, face: Face, scale: tuple[float, float]) -> None:
    scored = face.frame_probability_fake is not None
    last_s = track.timeline[-1].media_time_s if track.timeline else -UNSCORED_EVERY_S
    if not scored and at_s - last_s < UNSCORED_EVERY_S:
        return
    track.timeline.append(
        Sample(
            media_time_s=at_s,
            box_px=_scaled(face.box_px, scale),
            frame_probability_fake=face.frame_probability_fake,
            probability_fake=face.probability_fake,
            quality=face.quality,
            state=face.state,
            reasons=face.reasons,
        )
    )


def _face(track_id: int, track: _Track) -> FaceCourse:
    segments = tuple(_segment(number, second) for number, second in sorted(track.seconds.items()))
    means = [s.probability_fake for s in segments if s.probability_fake is not None]
    weights = [weight for second in track.seconds.values() for weight in second.weights]
    # A reason that held for less than half of the time says little of the whole.
    reasons = tuple(r for r in Reason if 2 * track.reasons.get(r, 0) >= track.seen)
    return FaceCourse(
        track_id=track_id,
        first_s=track.first_s,
        last_s=track.last_s,
        state=track.state,
        reasons=reasons,
        probability_fake=round(sum(means) / len(means), 5) if means else None,
        quality=round(sum(weights) / len(weights), 3) if weights else 0.0,
        samples=len(weights),
        undecided_s=round(track.undecided_s, 3),
        fake_since_s=track.fake_since_s,
        alarm_at_s=track.alarm_at_s,
        segments=segments,
        timeline=tuple(track.timeline),
        moments=tuple(m for _, _, m in sorted(track.moments, key=lambda kept: -kept[0])),
    )


def _segment(number: int, second: _Second) -> Segment:
    count = len(second.probabilities)
    return Segment(
        start_s=number * SEGMENT_S,
        end_s=(number + 1) * SEGMENT_S,
        samples=count,
        probability_fake=round(sum(second.probabilities) / count, 5) if count else None,
        quality=round(sum(second.weights) / count, 3) if count else 0.0,
        state=max(second.states, key=SEVERITY.index),
    )


def _scaled(box: Box, scale: tuple[float, float]) -> Box:
    x1, y1, x2, y2 = box
    across, down = scale
    return round(x1 * across, 2), round(y1 * down, 2), round(x2 * across, 2), round(y2 * down, 2)
