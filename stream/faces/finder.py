"""FaceFinder: the faces of one stream, frame after frame, at a fraction of the cascade's cost."""

from __future__ import annotations

import math
from typing import Protocol

from stream.faces.options import FacesOptions
from stream.faces.tracker import FaceTracker
from stream.types import FaceDetection, FaceTrack, Floats, Pixels, TrackState


class Detector(Protocol):
    """What finds faces; `stream.faces.cascade.Cascade` is one."""

    def detect(self, pixels: Pixels) -> list[FaceDetection]:
        """Every face in the picture."""

    def refine(self, pixels: Pixels, boxes: Floats) -> list[FaceDetection | None]:
        """The face in each of the boxes (N, 4), or None."""


class FaceFinder:
    """Runs the full cascade now and then, follows known faces in between, and names them.

    The cascade runs every `detect_interval_s` of media time, or every `search_interval_s` while
    nobody is known or a known face cannot be seen. On every frame, each known face is looked for
    where it should be by now (O-Net alone, one batch): 0.6 ms for one face on one core, where
    the cascade takes 23 ms at 720p.

    Threads: one caller at a time.
    """

    def __init__(self, cascade: Detector, options: FacesOptions) -> None:
        self._cascade = cascade
        self._options = options
        self._tracker = FaceTracker(options)
        self._searched_s = -math.inf

    def update(self, pixels: Pixels, media_time_s: float) -> tuple[FaceTrack, ...]:
        """Look at the next frame, uint8 RGB (H, W, 3); give every live track, lost ones included.

        `media_time_s` grows from call to call; call `reset` where it starts anew.

        Raises: InferenceFailed.
        """
        expected = self._tracker.expected(media_time_s)
        looked = self._cascade.refine(pixels, expected) if len(expected) else []
        followed = [detection for detection in looked if detection is not None]
        lost = any(track.state is TrackState.LOST for track in self._tracker.tracks)
        search = lost or not looked or len(followed) < len(looked)
        interval = self._options.search_interval_s if search else self._options.detect_interval_s
        found = None
        # The slack is for time stamps in milliseconds, which would put a look off by one frame.
        if media_time_s - self._searched_s >= interval - 1e-3:
            found = self._cascade.detect(pixels)
            self._searched_s = media_time_s
        return self._tracker.update(media_time_s, followed, found)

    def reset(self) -> None:
        """Forget every face, as at the start of an epoch; ids go on counting."""
        self._tracker.reset()
        self._searched_s = -math.inf
