"""FaceFinder: the faces of one stream, frame after frame, at a fraction of the cascade's cost."""

from __future__ import annotations

import math
from typing import Final, Protocol

import numpy as np

from stream.faces.options import FacesOptions
from stream.faces.search import SLACK_S, Region, Searches
from stream.faces.tracker import FaceTracker
from stream.types import FaceDetection, FaceTrack, Floats, Pixels

STRAYED_SIDES: Final = 0.1
"""An unsteady face is looked at again before it may have strayed by this share of its side from
where it is shown. Boxes that are off by a third of a side still overlap by one half."""

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
    When the cascade runs, and on which part of the picture, is `Searches`' business. In a look,
    each known face is searched where it should be by now (O-Net alone, one batch): 0.6 ms for one
    face on one core, where the cascade takes 23 ms at 720p.

    Threads: one caller at a time.
    """

    def __init__(self, cascade: Detector, options: FacesOptions) -> None:
        self._cascade = cascade
        self._options = options
        self._tracker = FaceTracker(options)
        self._searches = Searches(options)
        self._looked_s = -math.inf
        self._patience = 1.0

    def due(
        self,
        media_time_s: float,
        thumbnail: Pixels | None,
        *,
        busy: bool = False,
        hold: bool = False,
    ) -> bool:
        """Whether the next frame should be looked at.

        `thumbnail` is its brightness on a coarse grid, None if unknown; where it shows that another
        scene begins, every track ends. With `busy`, because others wait for the networks, looks are
        put off; with `hold`, because faces wait for a score, searches are. It never decides by the
        clock.
        """
        self._patience = PATIENCE if busy else 1.0
        if self._searches.see(media_time_s, thumbnail, busy=busy):
            self._tracker.reset()  # whoever stands where a face was may be somebody else
        if not self._searches.asleep(media_time_s):
            known = self._tracker.expected(media_time_s)
            missed = known[self._tracker.lost() | self._tracker.drifted()]
            if self._searches.due(media_time_s, known, missed, hold=hold):
                return True
        return self._look_due(media_time_s)

    def update(
        self, pixels: Pixels, media_time_s: float, *, hold: bool = False
    ) -> tuple[FaceTrack, ...]:
        """Look at the next frame, uint8 RGB (H, W, 3); give every live track, lost ones included.

        `media_time_s` grows from call to call; call `reset` where it starts anew.

        Raises: InferenceFailed.
        """
        expected = self._tracker.expected(media_time_s)
        looked = self._cascade.refine(pixels, expected) if len(expected) else []
        self._looked_s = media_time_s
        unseen = np.array([detection is None for detection in looked], bool)
        if unseen.any() and not self._tracker.lost().any():
            self._searches.hurry(media_time_s)  # one has just gone: it may be near, and moving fast
        missed = expected[unseen | self._tracker.drifted()]
        found, region = None, None
        if self._searches.due(media_time_s, expected, missed, hold=hold):
            size_px = pixels.shape[1], pixels.shape[0]
            region = self._searches.region(media_time_s, size_px, expected, missed, hold=hold)
            found = self._search(pixels, region)
        followed = [detection for detection in looked if detection is not None]
        self._tracker.update(media_time_s, followed, found, region)
        if found is not None:
            fruitful = self._tracker.seen_once()
            self._searches.done(media_time_s, whole=region is None, fruitful=fruitful)
        return self._tracker.predicted(media_time_s)

    def predict(self, media_time_s: float) -> tuple[FaceTrack, ...]:
        """Every live track without a look: those in sight where they should be by now."""
        return self._tracker.predicted(media_time_s)

    def reset(self) -> None:
        """Forget every face, as at the start of an epoch; ids go on counting."""
        self._tracker.reset()
        self._searches.reset()
        self._looked_s = -math.inf

    def _search(self, pixels: Pixels, region: Region | None) -> list[FaceDetection]:
        if region is None:
            return self._cascade.detect(pixels)
        x1, y1, x2, y2 = region
        inside = self._cascade.detect(pixels[y1:y2, x1:x2])
        shift = np.array([x1, y1], np.float32)
        return [
            FaceDetection(one.box_px + np.tile(shift, 2), one.landmarks_px + shift, one.confidence)
            for one in inside
        ]

    def _look_due(self, now_s: float) -> bool:
        if not len(self._tracker):
            return False
        if self._tracker.seen_once():
            return True  # the next frame tells whether it is a face, and how fast
        restless_sides_s = self._tracker.restless_sides_s()
        interval_s = self._options.follow_interval_s
        if restless_sides_s:
            interval_s = min(interval_s, STRAYED_SIDES / restless_sides_s)
        return now_s - self._looked_s >= self._patience * interval_s - SLACK_S
