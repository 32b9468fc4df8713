"""Searches: when the cascade runs, and on which part of the picture. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from stream.faces.options import FacesOptions
from stream.faces.scene import Scene
from stream.types import THUMBNAIL_PX, Floats, Pixels

SLACK_S: Final = 1e-3
"""For time stamps in milliseconds, which would put a search off by one frame."""

UNKNOWN: Final = 4.0
"""So many `search_interval_s` pass between two searches of the whole picture where it is not known
whether anything moves, or while a known face is out of sight."""

PATIENCE: Final = 4.0
"""While others wait for the networks, searches are put off to so many of their intervals: more
than looks, for one of the whole picture takes as long as a score of each of three faces."""

HELD_S: Final = 0.3
HELD_PART_S: Final = 0.2
"""A search of the whole picture takes as long as twenty looks: it is put off by so much for faces
that wait for a score, and one of a part by so much."""

SELDOM: Final = 4.0
"""Where something moves all the time and nobody comes, as beside a speaker who gestures, searches
become rarer by half each time, down to one in so many `search_interval_s`."""

COMPARED_S: Final = 0.1
"""While nothing moves, pictures are compared so often: it takes as long as a tenth of a look."""

BESIDE_SIDES: Final = 1.0
"""A lost face is searched up to so many of its sides beside where it should be."""

MARGIN: Final = 0.25
MARGIN_PX: Final = 2 * THUMBNAIL_PX
"""What moves is searched with so much around it, as a share of its side but at least in pixels:
the points that change are the edges of what moves."""

WHOLE_SHARE: Final = 0.6
"""Of the picture: a larger part is not worth the trouble."""


class Region(NamedTuple):
    """A part of the picture in whole pixels, half open."""

    x1: int
    y1: int
    x2: int
    y2: int


class Searches:
    """Plans the searches of one stream. For each frame call `see`, then `due`; tell `done`.

    The whole picture is searched every `detect_interval_s` of media time, every
    `search_interval_s` while nobody is known, and at once after a cut. In between, every
    `search_interval_s`, only the part where something moves beside the known faces (less often
    where nobody comes of it), and where faces are missed: nobody comes in without moving.
    """

    def __init__(self, options: FacesOptions) -> None:
        self._options = options
        self._scene = Scene()
        self._at_once = self._everywhere = False
        self._searched_s = self._whole_s = self._hurried_s = self._asked_s = -math.inf
        self._seldom = 1.0
        self._patience = 1.0

    def see(self, media_time_s: float, thumbnail: Pixels | None, *, busy: bool = False) -> bool:
        """Take the next picture's brightness on a coarse grid, None if unknown; give whether it
        begins another scene, where nobody is known.

        With `busy`, because others wait for the networks, searches are put off.
        """
        self._patience = PATIENCE if busy else 1.0
        cut = self._scene.cut(thumbnail)
        if cut:
            self.hurry(media_time_s, everywhere=True)
        return cut

    def hurry(self, now_s: float, *, everywhere: bool = False) -> None:
        """Search at once, but for a picture that flickers or a face on the edge of being seen."""
        if now_s - self._hurried_s >= self._options.search_interval_s - SLACK_S:
            self._at_once, self._hurried_s = True, now_s
            self._everywhere |= everywhere

    def asleep(self, now_s: float) -> bool:
        """Whether `due` need not be asked: it has been lately."""
        if self._at_once:
            return False
        if not self._past(self._searched_s, now_s, self._options.search_interval_s):
            return True
        return self._asked_s > self._searched_s and now_s - self._asked_s < COMPARED_S - SLACK_S

    def due(self, now_s: float, known: Floats, missed: Floats, *, hold: bool = False) -> bool:
        """Whether to search now. `known` are the boxes (N, 4) of all faces where they should be,
        `missed` those of them that are not in sight. `hold`: it can wait a little, as faces wait
        for a score.
        """
        if self._at_once:
            return True
        whole_s, part_s = self._intervals_s(known, missed, hold=hold)
        if self._past(self._whole_s, now_s, whole_s):
            return True
        if len(missed) and self._past(self._searched_s, now_s, part_s):
            return True
        stirring = self._past(self._searched_s, now_s, self._seldom * part_s)
        if stirring:
            if self._scene.stirred(known) is not None:
                return True
            self._seldom = 1.0  # what moves after a rest is news
        self._asked_s = now_s
        return False

    def region(
        self,
        now_s: float,
        size_px: tuple[int, int],
        known: Floats,
        missed: Floats,
        *,
        hold: bool = False,
    ) -> Region | None:
        """What of a picture of `size_px` (width, height) a search that is due takes; None for all
        of it. The rest as for `due`.
        """
        whole_s, _ = self._intervals_s(known, missed, hold=hold)
        whole_due = self._past(self._whole_s, now_s, whole_s)
        if self._everywhere or whole_due or not self._scene.comparable:
            return None
        sides = missed[:, 2:] - missed[:, :2]
        parts = [missed + np.concatenate([-sides, sides], axis=1) * np.float32(BESIDE_SIDES)]
        if (news := self._scene.stirred(known)) is not None:
            margins = np.maximum((news[2:] - news[:2]) * np.float32(MARGIN), MARGIN_PX)
            parts.append((news + np.concatenate([-margins, margins]))[None])
        return _around(np.concatenate(parts), size_px)

    def done(self, now_s: float, *, whole: bool, fruitful: bool) -> None:
        """A search was made, which found somebody new or not: what changes from now on is news."""
        if fruitful:
            self._seldom = 1.0
        elif not whole:
            self._seldom = min(2 * self._seldom, SELDOM)
        self._searched_s, self._at_once = now_s, False
        if whole:
            self._whole_s, self._everywhere = now_s, False
        self._scene.searched()

    def reset(self) -> None:
        """Forget all, as at the start of an epoch."""
        self._scene.reset()
        self._at_once = self._everywhere = False
        self._searched_s = self._whole_s = self._hurried_s = self._asked_s = -math.inf
        self._seldom = 1.0

    def _intervals_s(
        self, known: Floats, missed: Floats, *, hold: bool = False
    ) -> tuple[float, float]:
        """Between two searches of the whole picture, and between any two."""
        options = self._options
        often_s = options.search_interval_s
        seldom_s = min(options.detect_interval_s, UNKNOWN * often_s)
        part_s = often_s
        if not len(known):
            whole_s = often_s
        elif self._scene.comparable:
            whole_s = seldom_s if len(missed) else options.detect_interval_s
        else:
            whole_s, part_s = often_s if len(missed) else seldom_s, math.inf
        if hold:
            return whole_s + min(HELD_S, whole_s), part_s + min(HELD_PART_S, part_s)
        return whole_s, part_s

    def _past(self, then_s: float, now_s: float, interval_s: float) -> bool:
        return now_s - then_s >= self._patience * interval_s - SLACK_S


def _around(parts: Floats, size_px: Sequence[int]) -> Region | None:
    """The region around all parts (N, 4); None where that is most of the picture, or nothing."""
    if not len(parts):
        return None
    width, height = size_px
    x1, y1 = np.clip(np.floor(parts[:, :2].min(axis=0)), 0, size_px).astype(int)
    x2, y2 = np.clip(np.ceil(parts[:, 2:].max(axis=0)), 0, size_px).astype(int)
    if (x2 - x1) * (y2 - y1) > WHOLE_SHARE * width * height:
        return None
    return Region(int(x1), int(y1), int(x2), int(y2))
