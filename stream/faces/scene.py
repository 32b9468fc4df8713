"""Scene: notices that the picture has changed at once: a cut, another camera, a light switched."""

from __future__ import annotations

from typing import Final

import numpy as np

from stream.types import Pixels

CUT_LEVELS: Final = 22.0
"""Mean change of a thumbnail's grey levels between two pictures. In the clips of the data folder it
is below 8 while people talk and move, also in a panning shot, and 25 to 80 at a cut."""


class Scene:
    """Compares each picture's thumbnail, uint8 (h, w), with the one before. Pure."""

    def __init__(self) -> None:
        self._last: Pixels | None = None

    def cut(self, thumbnail: Pixels | None) -> bool:
        """Whether the picture is another scene than the last; False where there is no thumbnail."""
        last, self._last = self._last, thumbnail
        if thumbnail is None or last is None:
            return False
        if thumbnail.shape != last.shape:
            return True
        change = np.abs(thumbnail.astype(np.int16) - last)
        return float(change.mean()) > CUT_LEVELS

    def reset(self) -> None:
        """Forget the last picture, as at the start of an epoch."""
        self._last = None
