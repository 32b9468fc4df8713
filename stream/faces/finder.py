"""FaceFinder: the faces of one stream, frame after frame, at a fraction of the cascade's cost."""

from __future__ import annotations

import math
from typing import Final, Protocol

from stream.faces.options import FacesOptions
from stream.faces.scene import Scene
from stream.faces.tracker import FaceTracker
from stream.types import FaceDetection, FaceTrack, Floats, Pixels, TrackState

SLACK_S: Final = 1e-3
"""For time stamps in milliseconds, which would put a look off by one frame."""

MOVED_SIDES: Final = 0.1
"""A fast face is looked at again before it has moved by this share of its side. Boxes that are off
by a third of a side still overlap by one half."""

STIRRED: Final = 2.0
UNKNOWN: Final = 4.0
"""So many `search_interval_s` pass between two searches while something moves beside the known
faces, and where that is not known; `detect_interval_s` where nothing does."""

PATIENCE: Final = 2.0
"""While others wait for the networks, looks are put off to so many of their intervals."""


class Detector(Protocol):
    """What finds faces; `stream.faces.cascade.Cascade` is one."""

    def detect(self, pixels: Pixels) -> list[FaceDetection]:
        """Every face in the picture."""

    def refine(self, pixels: Pixels, boxes: Floats) -> list[FaceDetection | None]:
        """The face in each of the boxes (N, 4), or None."""


class FaceFinder:
    """Runs the full cascade now and then, follows known faces in between, and names them.

    For each frame call `due`, then either `update`, which looks at it, or `predict`, which only
    says where known faces should be by now; who looks at every frame may call `update` alone.
    The cascade runs every `detect_interval_s` of media time, or every `search_interval_s` while
    nobody is known or a known face cannot be seen, and at once after a cut. In a look, each known
    face is searched where it should be by now (O-Net alone, one batch): 0.6 ms for one face on
    one core, where the cascade takes 23 ms at 720p.

    Threads: one caller at a time.
    """

    def __init__(self, cascade: Detector, options: FacesOptions) -> None:
        self._cascade = cascade
        self._options = options
        self._tracker = FaceTracker(options)
        self._scene = Scene()
        self._patience = 1.0
        self._at_once = False
        self._looked_s = self._searched_s = self._hurried_s = -math.inf

    def due(self, media_time_s: float, thumbnail: Pixels | None, *, busy: bool = False) -> bool:
        """Whether the next frame should be looked at.

        `thumbnail` is its brightness on a coarse grid, None if unknown. With `busy`, because
        others wait for the networks, looks are put off; which never decides by the clock.
        """
        self._patience = PATIENCE if busy else 1.0
        if self._scene.cut(thumbnail):
            self._hurry(media_time_s)
        if self._search_due(media_time_s, self._settled()):
            return True
        if not self._tracker.tracks:
            return False
        return self._past(self._looked_s, media_time_s, self._follow_interval_s())

    def update(self, pixels: Pixels, media_time_s: float) -> tuple[FaceTrack, ...]:
        """Look at the next frame, uint8 RGB (H, W, 3); give every live track, lost ones included.

        `media_time_s` grows from call to call; call `reset` where it starts anew.

        Raises: InferenceFailed.
        """
        expected = self._tracker.expected(media_time_s)
        looked = self._cascade.refine(pixels, expected) if len(expected) else []
        followed = [detection for detection in looked if detection is not None]
        self._looked_s = media_time_s
        found = None
        missed = len(followed) < len(looked)
        settled = self._settled() and not missed
        if missed and self._all_in_sight():
            self._hurry(media_time_s)  # one has just gone: it may be near, and moving fast
        if self._search_due(media_time_s, settled):
            found = self._cascade.detect(pixels)
            self._searched_s, self._at_once = media_time_s, False
            self._scene.searched()
        self._tracker.update(media_time_s, followed, found)
        return self._tracker.predicted(media_time_s)

    def predict(self, media_time_s: float) -> tuple[FaceTrack, ...]:
        """Every live track without a look: those in sight where they should be by now."""
        return self._tracker.predicted(media_time_s)

    def reset(self) -> None:
        """Forget every face, as at the start of an epoch; ids go on counting."""
        self._tracker.reset()
        self._scene.reset()
        self._at_once = False
        self._looked_s = self._searched_s = self._hurried_s = -math.inf

    def _all_in_sight(self) -> bool:
        tracks = self._tracker.tracks
        return bool(tracks) and all(track.state is not TrackState.LOST for track in tracks)

    def _settled(self) -> bool:
        return self._all_in_sight() and not self._tracker.drifted()

    def _hurry(self, now_s: float) -> None:
        """Search at once, but for a picture that flickers or a face on the edge of being seen."""
        if now_s - self._hurried_s >= self._options.search_interval_s - SLACK_S:
            self._at_once, self._hurried_s = True, now_s

    def _search_due(self, now_s: float, settled: bool) -> bool:
        options = self._options
        if self._at_once:
            return True
        interval_s = self._calm_interval_s(now_s) if settled else options.search_interval_s
        return self._past(self._searched_s, now_s, interval_s)

    def _calm_interval_s(self, now_s: float) -> float:
        """Between searches while everybody known is in sight: longer where nobody can have come."""
        options = self._options
        if not self._past(self._searched_s, now_s, STIRRED * options.search_interval_s):
            return options.detect_interval_s  # too early whatever moves: nothing to compare
        stirred = self._scene.stirred(self._tracker.expected(now_s))
        if stirred is False:
            return options.detect_interval_s
        looks = UNKNOWN if stirred is None else STIRRED
        return min(options.detect_interval_s, looks * options.search_interval_s)

    def _follow_interval_s(self) -> float:
        if self._tracker.seen_once():
            return 0.0  # the next frame tells whether it is a face, and how fast
        sides_per_s = self._tracker.sides_per_s()
        interval_s = self._options.follow_interval_s
        return min(interval_s, MOVED_SIDES / sides_per_s) if sides_per_s else interval_s

    def _past(self, then_s: float, now_s: float, interval_s: float) -> bool:
        return now_s - then_s >= self._patience * interval_s - SLACK_S
