"""MTCNN: faces and their five landmarks in a picture, by three networks in a row.

Zhang et al., "Joint Face Detection and Alignment using Multi-task Cascaded Convolutional
Networks", 2016; the steps, their order and their rounding are facenet-pytorch's (MIT,
``detect_face.py``), with which `benchmarks parity` compares the results.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engines.base import Engine, Outputs
from stream.faces.nms import nms, nms_min
from stream.faces.options import FacesOptions
from stream.faces.pooling import AreaSums, Indices
from stream.types import FaceDetection, Floats, Pixels

STRIDE: Final = 2
CELL_PX: Final = 12
"""P-Net looks at cells of this side, `STRIDE` apart, on every level of the pyramid."""

ONET_PX: Final = 48
"""The side of O-Net's crops."""

BATCH: Final = 128
"""Crops in one call of R-Net or O-Net: O-Net takes 1 MB for each while it runs."""

MOST_CELLS: Final = 2048
MOST_PROPOSALS: Final = 1024
MOST_CANDIDATES: Final = 512
"""No more than so many of a level's cells are compared, and so many boxes shown to R-Net and
O-Net, the surest first. The photos of `benchmarks parity` have up to 474, 474 and 44; a picture
tiled with 335 faces had 7,192, 5,410 and 2,447, and held up its stream for three seconds."""


class Cascade:
    """The three networks, opened by the caller, who also closes them. `pause` is called between the
    steps of a search, each of which takes a few milliseconds.

    Threads: as the engines, one caller at a time.
    """

    def __init__(
        self,
        pnet: Engine,
        rnet: Engine,
        onet: Engine,
        options: FacesOptions,
        pause: Callable[[], None] = lambda: None,
    ) -> None:
        self._pnet, self._rnet, self._onet = pnet, rnet, onet
        self._options = options
        self._pause = pause

    def detect(self, pixels: Pixels) -> list[FaceDetection]:
        """Find every face of `min_face_px` and more, the most confident first.

        `pixels` is uint8 RGB (H, W, 3). A picture smaller than the smallest face has none.

        Raises: InferenceFailed.
        """
        height, width = pixels.shape[:2]
        levels = pyramid(height, width, self._options)
        if not levels:
            return []
        sums = AreaSums(pixels)
        boxes = self._propose(sums, levels)
        self._pause()
        boxes = self._reject(sums, boxes)
        self._pause()
        found = self._describe(boxes, *_crops(sums, boxes, ONET_PX))
        found = found.only(found.scores > self._options.thresholds[2])
        return found.only(nms_min(found.boxes, found.scores, 0.7)).detections()

    def refine(self, pixels: Pixels, boxes: Floats) -> list[FaceDetection | None]:
        """Look again at places where a face is expected, with O-Net alone.

        `boxes` is float32 (N, 4), where the faces are thought to be; each is squared first.
        Gives one entry for each box, in order; None where O-Net sees no face.

        Raises: InferenceFailed.
        """
        results: list[FaceDetection | None] = [None] * len(boxes)
        expected = square(boxes.astype(np.float32))
        parts, inside = _parts(expected, *pixels.shape[:2])
        if not len(inside):
            return results
        # Sums of each box alone: one for all would be of most of the picture where faces are many.
        crops = np.stack([_crop(pixels, part) for part in parts.tolist()])
        looked = self._describe(expected, crops, inside)
        seen = np.flatnonzero(looked.scores > self._options.thresholds[2])
        for index, detection in zip(
            looked.source[seen], looked.only(seen).detections(), strict=True
        ):
            results[index] = detection
        return results

    def _propose(self, sums: AreaSums, levels: list[tuple[float, int, int]]) -> Floats:
        """P-Net over the pyramid: square boxes (N, 4).

        One call a level. Packed into one input, the nine levels of a 720p picture took 15.6 ms
        on one core against 12.1 ms, and the six smallest alone the same either way (1.5 ms): a
        call costs little on a CPU, and the packed picture has dead area and outgrows the cache.
        """
        threshold = self._options.thresholds[0]
        found = [np.empty((0, 9), np.float32)]
        for scale, height, width in levels:
            self._pause()
            outputs = self._pnet.infer(sums.resize(height, width)[None])
            cells = _cells(outputs["boxes"][0], outputs["probability"][0], scale, threshold)
            cells = _surest(cells, MOST_CELLS)
            found.append(cells[nms(cells[:, :4], cells[:, 4], 0.5)])
        boxes = np.concatenate(found)
        boxes = boxes[nms(boxes[:, :4], boxes[:, 4], 0.7)[:MOST_PROPOSALS]]
        sides = (boxes[:, 2:4] - boxes[:, :2])[:, [0, 1, 0, 1]]
        return square(boxes[:, :4] + boxes[:, 5:] * sides)

    def _reject(self, sums: AreaSums, boxes: Floats) -> Floats:
        """R-Net on the proposals: the square boxes (N, 4) that it takes for faces."""
        crops, source = _crops(sums, boxes, 24)
        outputs = _infer(self._rnet, crops)
        scores = outputs["probability"]
        passed = np.flatnonzero(scores > self._options.thresholds[1])
        boxes, scores, shifts = boxes[source[passed]], scores[passed], outputs["boxes"][passed]
        picked = nms(boxes, scores, 0.7)[:MOST_CANDIDATES]
        return square(_shifted(boxes[picked], shifts[picked]))

    def _describe(self, boxes: Floats, crops: Floats, source: Indices) -> _Described:
        """O-Net on square boxes (N, 4): what it says of those M whose `crops` there are (M, 48, 48,
        3), `source` (M,) being their places.
        """
        outputs = _infer(self._onet, crops)
        boxes = boxes[source]
        sides = boxes[:, 2:] - boxes[:, :2] + 1
        shares = outputs["landmarks"].reshape(-1, 2, 5).transpose(0, 2, 1)
        return _Described(
            boxes=_shifted(boxes, outputs["boxes"]),
            scores=outputs["probability"],
            landmarks=sides[:, None, :] * shares + boxes[:, None, :2] - 1,
            source=source,
        )


class _Described:
    """O-Net's word on N boxes: regressed boxes (N, 4), scores (N,), landmarks (N, 5, 2), and in
    `source` (N,) which of the boxes it was given each row belongs to.
    """

    def __init__(self, boxes: Floats, scores: Floats, landmarks: Floats, source: Indices) -> None:
        self.boxes, self.scores, self.landmarks, self.source = boxes, scores, landmarks, source

    def only(self, picked: Indices | NDArray[np.bool_]) -> _Described:
        """The rows picked, in their order."""
        return _Described(
            self.boxes[picked], self.scores[picked], self.landmarks[picked], self.source[picked]
        )

    def detections(self) -> list[FaceDetection]:
        """One object for each row."""
        rows = zip(self.boxes, self.landmarks, self.scores.tolist(), strict=True)
        return [FaceDetection(box, points, score) for box, points, score in rows]


def pyramid(height: int, width: int, options: FacesOptions) -> list[tuple[float, int, int]]:
    """Scale, height and width of each level, the finest first; none for too small a picture."""
    scale = CELL_PX / options.min_face_px
    shorter = min(height, width) * scale
    levels = []
    while shorter >= CELL_PX:
        levels.append((scale, int(height * scale + 1), int(width * scale + 1)))
        scale *= options.factor
        shorter *= options.factor
    return levels


def square(boxes: Floats) -> Floats:
    """Boxes (N, 4) with the shorter side grown about the centre to the longer one."""
    sides = boxes[:, 2:4] - boxes[:, :2]
    longer = sides.max(axis=1, keepdims=True)
    corners = boxes[:, :2] + sides * np.float32(0.5) - longer * np.float32(0.5)
    return np.concatenate([corners, corners + longer], axis=1)


def _infer(engine: Engine, crops: Floats) -> Outputs:
    """Run all crops, `BATCH` at a time."""
    starts = range(0, max(len(crops), 1), BATCH)
    parts = [engine.infer(crops[start : start + BATCH]) for start in starts]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _cells(shifts: Floats, scores: Floats, scale: float, threshold: float) -> Floats:
    """P-Net's cells that look like a face: (N, 9) box in the picture, score, four shifts."""
    rows, columns = np.nonzero(scores >= np.float32(threshold))
    corners = (np.stack([columns, rows], axis=1) * STRIDE + 1).astype(np.float32)
    first = np.floor(corners / np.float32(scale))
    last = np.floor((corners + np.float32(CELL_PX - 1)) / np.float32(scale))
    parts = [first, last, scores[rows, columns, None], shifts[:, rows, columns].T]
    return np.concatenate(parts, axis=1)


def _surest(cells: Floats, most: int) -> Floats:
    """The `most` cells of highest score, in their order."""
    if len(cells) <= most:
        return cells
    return cells[np.sort(np.argpartition(-cells[:, 4], most)[:most])]


def _shifted(boxes: Floats, shifts: Floats) -> Floats:
    """Boxes moved by R-Net's or O-Net's regression, in shares of the sides."""
    sides = boxes[:, 2:] - boxes[:, :2] + np.float32(1)
    return boxes + shifts * sides[:, [0, 1, 0, 1]]


def _crop(pixels: Pixels, part: list[int]) -> Floats:
    """One box for O-Net, as `_crops` cuts it: (48, 48, 3)."""
    x1, y1, x2, y2 = part
    return AreaSums(pixels, (x1, y1, x2, y2)).resize(ONET_PX, ONET_PX)


def _crops(sums: AreaSums, boxes: Floats, side: int) -> tuple[Floats, Indices]:
    """Cut the boxes: (M, side, side, 3), and which M <= N of them lie in the picture."""
    parts, inside = _parts(boxes, sums.height, sums.width)
    return sums.crops(parts, side), inside


def _parts(boxes: Floats, height: int, width: int) -> tuple[Indices, Indices]:
    """The part of each box that lies in the picture, in whole pixels: int64 (M, 4), and which
    M <= N boxes have such a part. Coordinates are truncated and count from 1, as the paper's do.
    """
    whole = np.trunc(boxes).astype(np.int64)
    whole[:, :2] = np.maximum(whole[:, :2], 1) - 1
    whole[:, 2:] = np.minimum(whole[:, 2:], [width, height])
    inside = np.flatnonzero((whole[:, 2:] > whole[:, :2]).all(axis=1))
    return whole[inside], inside
