"""Association: which detection is which face, and which detections are the same face twice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from stream.faces.nms import iou
from stream.types import FaceDetection, Floats

SAME_LANDMARKS: Final = 0.25
SAME_IOU: Final = 0.6
"""Two detections are one face when their landmarks lie closer than this share of the smaller
side, or their boxes overlap more than this. One person's head before another's keeps its
landmarks at least half a side away from the other's while both can be seen."""

REACH_SIDES: Final = 0.5
REACH_SIDES_PER_S: Final = 0.5
REACH_LIMIT: Final = 1.0
"""How far, in sides of the face, landmarks may lie from where they were expected when the boxes
do not overlap; it grows while the face is out of sight."""

LARGEST_RATIO: Final = 2.0
"""A face does not double its side between two looks."""

OUT_OF_SIGHT_PENALTY: Final = 0.2
"""A face in sight has the better claim to a detection that one coasting past would fit too."""


class Faces:
    """Boxes and landmarks of N faces as arrays: (N, 4), (N, 5, 2), and the longer sides (N,)."""

    def __init__(
        self, detections: Sequence[FaceDetection], shifts_px: Floats | None = None
    ) -> None:
        self.boxes = np.array([d.box_px for d in detections], np.float32).reshape(-1, 4)
        self.landmarks = np.array([d.landmarks_px for d in detections], np.float32)
        self.landmarks = self.landmarks.reshape(-1, 5, 2)
        if shifts_px is not None:
            self.boxes = self.boxes + np.tile(shifts_px, 2)
            self.landmarks = self.landmarks + shifts_px[:, None, :]
        self.sides = np.maximum((self.boxes[:, 2:] - self.boxes[:, :2]).max(axis=1, initial=0), 1)

    def distances_px(self, other: Faces) -> Floats:
        """Mean distance of the five landmarks, each face to each of `other`'s: (N, M)."""
        apart = self.landmarks[:, None] - other.landmarks[None]
        return np.asarray(np.sqrt((apart**2).sum(axis=-1)).mean(axis=-1), np.float32)


def distinct(detections: Sequence[FaceDetection]) -> list[int]:
    """Indices of the detections that repeat none before them in the sequence."""
    faces = Faces(detections)
    smaller = np.minimum(faces.sides[:, None], faces.sides[None])
    same = faces.distances_px(faces) < SAME_LANDMARKS * smaller
    same |= iou(faces.boxes, faces.boxes) > SAME_IOU
    kept: list[int] = []
    for index in range(len(detections)):
        if not same[index, kept].any():
            kept.append(index)
    return kept


def associate(
    expected: Faces, unseen_s: NDArray[np.float64], detections: Sequence[FaceDetection]
) -> dict[int, int]:
    """Give ``{index of the expected face: index of its detection}``, one to one.

    `unseen_s` (N,) is how long each expected face has been out of sight, 0 for one seen at the
    last look. Pairs are taken greedily, the most alike first: by overlap, by landmarks, by size.
    """
    if not len(unseen_s) or not detections:
        return {}
    found = Faces(detections)
    overlap = iou(expected.boxes, found.boxes)
    sides = np.sqrt(expected.sides[:, None] * found.sides[None])
    apart = expected.distances_px(found) / sides
    ratio = np.abs(np.log2(expected.sides[:, None] / found.sides[None]))
    reach = np.minimum(REACH_SIDES + REACH_SIDES_PER_S * unseen_s, REACH_LIMIT)[:, None]
    likeness = overlap + 1 - apart - 0.5 * ratio - OUT_OF_SIGHT_PENALTY * (unseen_s > 0)[:, None]
    possible = (apart < reach) & (ratio <= np.log2(LARGEST_RATIO))
    likeness = np.where(possible, likeness, -np.inf)
    pairs: dict[int, int] = {}
    while np.isfinite(best := likeness.max()):
        row, column = (int(i) for i in np.argwhere(likeness == best)[0])
        pairs[row] = column
        likeness[row], likeness[:, column] = -np.inf, -np.inf
    return pairs
