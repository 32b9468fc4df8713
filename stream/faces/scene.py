"""Scene: what the picture's thumbnails tell: a cut, and that something moves beside the faces."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from stream.types import THUMBNAIL_PX, Floats, Pixels

CUT_LEVELS: Final = 12.0
CUT_LIKENESS: Final = 0.4
"""A cut changes the grey levels of a thumbnail by more than so many in the mean, and leaves a lower
normalised correlation than this. The three cuts of a clip of the data folder change 25 to 27 and
leave at most 0.20, from one clip to another it is 51 to 120 and at most 0.36; all else leaves 0.5
and more from one picture to the next, a quick pan by hand less where a full machine sees every
fourth. A lamp changes levels and not their pattern."""

STIR_LEVELS: Final = 24
STIR_SHARE: Final = 0.01
"""So many of the points beside the known faces change by so much when somebody comes in; noise and
compression change single points, and less."""

STIR_POINTS: Final = 2
"""A row or column of points with fewer that change is at the edge of the motion, or noise."""

PERSON_SIDES: Final = np.array([-1.5, -0.75, 1.5, 4.0], np.float32)
"""How far the person to whom a face belongs moves about it: to the left, up, right and down from
the box, in its sides. Whoever comes in there is seen by the search that is due anyway."""


class Scene:
    """Compares each picture's thumbnail, uint8 (h, w), with earlier ones. Pure."""

    def __init__(self) -> None:
        self._last: Pixels | None = None
        self._searched: Pixels | None = None

    def cut(self, thumbnail: Pixels | None) -> bool:
        """Whether the picture is another scene than the last; False where there is no thumbnail.

        A cut to another view of the same scene, or one that fades, can go unnoticed.
        """
        last, self._last = self._last, thumbnail
        if thumbnail is None or last is None:
            return False
        if thumbnail.shape != last.shape:
            return True
        if cv2.norm(thumbnail, last, cv2.NORM_L1) <= CUT_LEVELS * last.size:
            return False
        return _likeness(thumbnail, last) < CUT_LIKENESS

    def searched(self) -> None:
        """What may be news was searched: what changes from now on is."""
        self._searched = self._last

    @property
    def comparable(self) -> bool:
        """Whether it is known what has changed since the last search."""
        then, now = self._searched, self._last
        return then is not None and now is not None and then.shape == now.shape

    def stirred(self, boxes: Floats) -> Floats | None:
        """Where something has moved beside the faces in `boxes` (N, 4) since the last search: one
        box (4,) around it, in the picture's pixels; None where nothing has, or that is not known.
        """
        then, now = self._searched, self._last
        if then is None or now is None or then.shape != now.shape:
            return None
        changed = cv2.absdiff(now, then) > STIR_LEVELS
        persons = boxes + np.tile(boxes[:, 2:] - boxes[:, :2], 2) * PERSON_SIDES
        for x1, y1, x2, y2 in np.maximum(persons / THUMBNAIL_PX, 0).astype(int):
            changed[y1 : y2 + 1, x1 : x2 + 1] = False
        if np.count_nonzero(changed) <= STIR_SHARE * changed.size:
            return None
        rows = np.flatnonzero(np.count_nonzero(changed, axis=1) >= STIR_POINTS)
        columns = np.flatnonzero(np.count_nonzero(changed, axis=0) >= STIR_POINTS)
        if not (len(rows) and len(columns)):
            return None
        corners = [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]
        return np.array(corners, np.float32) * np.float32(THUMBNAIL_PX)

    def reset(self) -> None:
        """Forget all pictures, as at the start of an epoch."""
        self._last = self._searched = None


def _likeness(one: Pixels, other: Pixels) -> float:
    """Normalised correlation of two pictures of one size, -1 to 1; 0 where one has no pattern."""
    pattern, other_pattern = one - one.mean(), other - other.mean()
    strength = float(np.linalg.norm(pattern) * np.linalg.norm(other_pattern))
    return float(np.vdot(pattern, other_pattern)) / strength if strength else 0.0
