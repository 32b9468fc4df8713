"""How many of another detector's faces have a box of ours on the same frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from benchmarks.playback import Boxes
from stream.faces.nms import iou

IOU: Final = 0.5
CONFIDENCE: Final = 0.9
SIDE_PX: Final = 40.0


@dataclass(slots=True)
class Recall:
    """Counts the reference's sure faces that are large enough, and those that were found; `missed`
    holds the frames of the others. A reference box counts from `SIDE_PX` of its longer side on.
    """

    wanted: int = 0
    found: int = 0
    missed: list[int] = field(default_factory=list)

    @property
    def share(self) -> float:
        """NaN where the reference saw nobody."""
        return self.found / self.wanted if self.wanted else float("nan")

    def add(self, frame: int, theirs: Boxes, confidences: Sequence[float], ours: Boxes) -> None:
        """Take one frame: corner boxes in pixels."""
        boxes = np.asarray(theirs, np.float32).reshape(-1, 4)
        sides = (boxes[:, 2:] - boxes[:, :2]).max(axis=1, initial=0)
        demanded = boxes[(np.asarray(confidences) >= CONFIDENCE) & (sides >= SIDE_PX)]
        overlap = iou(demanded, np.asarray(ours, np.float32).reshape(-1, 4))
        hits = int((overlap.max(axis=1, initial=0.0) >= IOU).sum())
        self.wanted += len(demanded)
        self.found += hits
        self.missed += [frame] * (len(demanded) - hits)


def recall_of(looks: Sequence[Mapping[str, Any]], ours: Mapping[int, Boxes]) -> Recall:
    """Over the reference's looks, each with `frame`, `boxes` and `confidences`; a frame of which
    ours said nothing has no boxes.
    """
    result = Recall()
    for look in looks:
        frame = look["frame"]
        result.add(frame, look["boxes"], look["confidences"], ours.get(frame, ()))
    return result
