"""FaceTracker: detections in, tracks out. Pure: no pixels, no engine, time passed in."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from stream.faces.association import Faces, associate, distinct
from stream.faces.options import FacesOptions
from stream.types import FaceDetection, FaceTrack, Floats, TrackState

VELOCITY_MEMORY_S: Final = 0.1
"""How long a velocity is averaged: a box trembles by a pixel a frame, 30 px/s at 30 fps."""

AHEAD: Final = 1.4
"""A step tells the velocity of its middle. That of its end is taken to have changed by so many
times as much; 2 would be right for a constant acceleration, but swings."""

STRAYING_MEMORY_S: Final = 0.5
"""How long it counts that a face was not where it was expected."""

MAY_TURN: Final = 0.5
"""So much of its speed a moving face is taken to stray by, however steadily it went so far."""

COASTING_S: Final = 1.0
"""A face out of sight is expected to go on for this long, slowing down exponentially."""

UNFOUND_LOOKS: Final = 3
"""O-Net confirms what it is shown more readily than the whole cascade finds it, false alarms
included: a face that it still sees after so many full cascades in a row found none is given up."""

INCUMBENT_AREA: Final = 1.5
"""With more faces than `max_faces`, a newcomer must be this much larger than a known face."""

FARTHEST_SIDES: Final = 0.5
"""Between two looks a face is shown at most this share of its side from where it was seen."""

DRIFTED: Final = 1.2
"""O-Net follows itself: a box that has grown or shrunk so much since the cascade found it may hold
something else, half a body for one."""

Mask = NDArray[np.bool_]

NEW: Final = 0
"""The id of a track that has none yet; ids start at 1."""


@dataclass(slots=True)
class _Track:
    track_id: int
    detection: FaceDetection
    first_seen_s: float
    last_seen_s: float
    state: TrackState
    velocity_px_s: Floats
    found: FaceDetection
    strays_sides_s: float = 0.0
    hits: int = 1
    unfound: int = 0

    def shift_px(self, now_s: float) -> Floats:
        """How far the face is expected to have moved since it was last seen: (2,)."""
        passed = COASTING_S * (1 - math.exp(-(now_s - self.last_seen_s) / COASTING_S))
        return self.velocity_px_s * np.float32(passed)

    def see(
        self, detection: FaceDetection, now_s: float, confirm_hits: int, *, found: bool
    ) -> None:
        """Take where the face is now; `found` by the cascade, which may correct what O-Net held."""
        passed_s = now_s - self.last_seen_s
        if passed_s > 0:
            strayed = self._sides_off(detection, now_s) / passed_s
            kept = self.strays_sides_s * math.exp(-passed_s / STRAYING_MEMORY_S)
            self.strays_sides_s = max(strayed, kept)
            moved = detection.landmarks_px.mean(axis=0) - self.detection.landmarks_px.mean(axis=0)
            # The first step is all that is known: somebody who runs past would else be lost.
            change = AHEAD * (1 - math.exp(-passed_s / VELOCITY_MEMORY_S))
            share = np.float32(change if self.hits > 1 else 1.0)
            self.velocity_px_s = self.velocity_px_s + share * (
                moved / np.float32(passed_s) - self.velocity_px_s
            )
            if found and _outgrown(_area(self.detection), _area(detection)):
                self.velocity_px_s = np.zeros_like(self.velocity_px_s)  # a correction is no motion
        self.detection, self.last_seen_s = detection, now_s
        self.hits += 1
        if self.state is not TrackState.TENTATIVE or self.hits >= confirm_hits:
            self.state = TrackState.CONFIRMED

    def predicted(self, now_s: float) -> FaceDetection:
        """The last detection, moved to where it is expected, but never far."""
        farthest = FARTHEST_SIDES * self._side()
        x, y = (min(max(float(px), -farthest), farthest) for px in self.shift_px(now_s))
        seen = self.detection
        box_px = seen.box_px + np.array((x, y, x, y), np.float32)
        landmarks_px = seen.landmarks_px + np.array((x, y), np.float32)
        return FaceDetection(box_px, landmarks_px, seen.confidence)

    def shown(self, detection: FaceDetection) -> FaceTrack:
        """The track as others see it, with its face at `detection`."""
        return FaceTrack(self.track_id, detection, self.first_seen_s, self.last_seen_s, self.state)

    def _sides_off(self, detection: FaceDetection, now_s: float) -> float:
        """How far `detection` is from where the face was expected, in sides of its box."""
        expected = self.detection.box_px.reshape(2, 2).mean(axis=0) + self.shift_px(now_s)
        off = detection.box_px.reshape(2, 2).mean(axis=0) - expected
        return math.hypot(*off.tolist()) / self._side()

    def _side(self) -> float:
        x1, y1, x2, y2 = (float(value) for value in self.detection.box_px)
        return max(x2 - x1, y2 - y1, 1.0)

    def restless_sides_s(self) -> float:
        """How fast it left where it was expected, or might: a face that moves may turn round."""
        speed_px_s = math.hypot(*self.velocity_px_s.tolist())
        return max(self.strays_sides_s, MAY_TURN * speed_px_s / self._side())

    def miss(self) -> None:
        if self.state is TrackState.CONFIRMED:
            self.state = TrackState.LOST

    def area(self) -> float:
        return _area(self.detection)

    def lies_in(self, region: Sequence[int] | None) -> bool:
        """Whether the whole box is in the region (x1, y1, x2, y2)."""
        if region is None:
            return True
        corners = self.detection.box_px.reshape(2, 2)
        return bool((corners[0] >= region[:2]).all() and (corners[1] <= region[2:]).all())

    def drifted(self) -> bool:
        return _outgrown(_area(self.found), self.area())


class FaceTracker:
    """Gives each face an id that stays with it through motion and short occlusions.

    Motion is constant velocity; association is by landmarks, overlap and size, one to one, so
    that two tracks never share a face. Ids count up and are never used again.
    """

    def __init__(self, options: FacesOptions) -> None:
        self._options = options
        self._tracks: list[_Track] = []
        self._next_id = 1

    @property
    def tracks(self) -> tuple[FaceTrack, ...]:
        """Every track that is alive, by id; a lost one has its last detection."""
        return tuple(track.shown(track.detection) for track in self._tracks)

    def __len__(self) -> int:
        return len(self._tracks)

    def reset(self) -> None:
        """Forget every face; ids go on counting."""
        self._tracks.clear()

    def predicted(self, now_s: float) -> tuple[FaceTrack, ...]:
        """As `tracks`, but where they are expected at media time `now_s`: by constant velocity, at
        most `FARTHEST_SIDES` from where they were seen. Changes nothing: it is no look.
        """
        return tuple(
            track.shown(track.predicted(now_s) if track.last_seen_s < now_s else track.detection)
            for track in self._tracks
        )

    def restless_sides_s(self) -> float:
        """How fast the least steady face leaves where it is expected, in sides of its box a
        second; 0 without one.
        """
        return max((track.restless_sides_s() for track in self._tracks), default=0.0)

    def seen_once(self) -> bool:
        """Whether there is a face whose speed is not known yet."""
        return any(track.hits == 1 for track in self._tracks)

    def lost(self) -> Mask:
        """Which of `tracks` were not seen in the last look."""
        return np.array([track.state is TrackState.LOST for track in self._tracks], bool)

    def drifted(self) -> Mask:
        """Whose size is no longer that with which the cascade found it."""
        return np.array([track.drifted() for track in self._tracks], bool)

    def expected(self, now_s: float) -> Floats:
        """Where each of `tracks` is expected at media time `now_s`: boxes float32 (N, 4)."""
        return self._expected(now_s).boxes

    def update(
        self,
        now_s: float,
        followed: Sequence[FaceDetection],
        found: Sequence[FaceDetection] | None = None,
        region: Sequence[int] | None = None,
    ) -> tuple[FaceTrack, ...]:
        """Take one look's detections at media time `now_s`; give the tracks that are alive.

        `followed` are what O-Net confirmed where faces were expected, in any order; they keep
        tracks but start none. `found` is what the full cascade found, None where it did not run; it
        also starts tracks, and wins where both saw a face. `region` (x1, y1, x2, y2) is where it
        looked, None for the whole picture.
        """
        surest = sorted(followed, key=lambda detection: -detection.confidence)
        both = [*(found or ()), *surest]
        kept = distinct(both)
        detections = [both[index] for index in kept]
        new = sum(index < len(found or ()) for index in kept)  # the first so many were found
        unseen_s = np.array([self._unseen_s(track, now_s) for track in self._tracks])
        pairs = associate(self._expected(now_s), unseen_s, detections)
        for index, track in enumerate(self._tracks):
            place = pairs.get(index)
            if place is None:
                track.miss()
                continue
            found_here = place < new
            track.see(detections[place], now_s, self._options.confirm_hits, found=found_here)
            if found_here:
                track.found, track.unfound = detections[place], 0
            elif found is not None and track.lies_in(region):
                track.unfound += 1
        self._forget(now_s)
        taken = set(pairs.values())
        self._start([d for i, d in enumerate(detections[:new]) if i not in taken], now_s)
        return self.tracks

    def _expected(self, now_s: float) -> Faces:
        shifts = np.array([t.shift_px(now_s) for t in self._tracks], np.float32).reshape(-1, 2)
        return Faces([track.detection for track in self._tracks], shifts)

    def _unseen_s(self, track: _Track, now_s: float) -> float:
        return now_s - track.last_seen_s if track.state is TrackState.LOST else 0.0

    def _forget(self, now_s: float) -> None:
        """Drop what was not found or not seen for too long, and what was seen only once."""

        def lives(track: _Track) -> bool:
            unseen_s = now_s - track.last_seen_s
            if track.state is TrackState.TENTATIVE and unseen_s > 0:
                return False
            return track.unfound < UNFOUND_LOOKS and unseen_s <= self._options.lost_after_s

        self._tracks = [track for track in self._tracks if lives(track)]

    def _first_state(self, detection: FaceDetection) -> TrackState:
        options = self._options
        sure = options.confirm_hits == 1 or detection.confidence > options.sure_confidence
        return TrackState.CONFIRMED if sure else TrackState.TENTATIVE

    def _start(self, detections: Sequence[FaceDetection], now_s: float) -> None:
        """Begin a track for each, but keep the `max_faces` largest only, those in sight first."""
        still = np.zeros(2, np.float32)
        new = [_Track(NEW, d, now_s, now_s, self._first_state(d), still, d) for d in detections]

        def rank(track: _Track) -> tuple[bool, float]:
            weight = 1.0 if track.track_id == NEW else INCUMBENT_AREA
            return track.state is not TrackState.LOST, weight * track.area()

        ranked = sorted([*self._tracks, *new], key=rank, reverse=True)
        kept = ranked[: self._options.max_faces]
        for track in kept:
            if track.track_id == NEW:
                track.track_id, self._next_id = self._next_id, self._next_id + 1
        self._tracks = sorted(kept, key=lambda track: track.track_id)


def _outgrown(before: float, after: float) -> bool:
    """Whether a box of area `after` has sides `DRIFTED` times those of one of area `before`, or the
    other way round.
    """
    return not DRIFTED**-2 < after / max(before, 1.0) < DRIFTED**2


def _area(detection: FaceDetection) -> float:
    x1, y1, x2, y2 = (float(value) for value in detection.box_px)
    return (x2 - x1) * (y2 - y1)
