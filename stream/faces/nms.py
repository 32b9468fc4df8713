"""Non-maximum suppression: of boxes that overlap, the most confident stays.

The two overlaps of facenet-pytorch (MIT): torchvision's intersection over union, and the "Min"
measure of MTCNN's last stage, intersection over the smaller area.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from stream.faces.pooling import Indices
from stream.types import Floats

BLOCK: Final = 256
"""Boxes compared with each other at once; bounds memory at BLOCK x N floats."""


def nms(boxes: Floats, scores: Floats, threshold: float) -> Indices:
    """Indices of the boxes that stay, the most confident first, equal ones in their order.

    `boxes` float32 (N, 4) x1, y1, x2, y2; `scores` float32 (N,). A box goes if its intersection
    over union with one that stays is above `threshold`.
    """
    order = np.argsort(-scores, kind="stable")
    return _greedy(boxes, order, lambda one, other: iou(one, other) > threshold)


def nms_min(boxes: Floats, scores: Floats, threshold: float) -> Indices:
    """Like `nms`, with the intersection over the smaller box; sides count both end pixels.

    Of boxes equally sure the last one goes first: saturated scores of 1.0 are common here, and
    facenet-pytorch, too, takes them from the end of an ascending sort.
    """
    order = np.argsort(scores)[::-1]
    return _greedy(boxes, order, lambda one, other: ~(_iomin(one, other) <= threshold))


def iou(one: Floats, other: Floats) -> Floats:
    """Intersection over union of float32 (N, 4) and (M, 4): float32 (N, M); NaN for no area."""
    inter = _intersection(one, other, 0.0)
    areas = _area(one, 0.0)[:, None] + _area(other, 0.0)[None, :]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(inter / (areas - inter), np.float32)


def _iomin(one: Floats, other: Floats) -> Floats:
    inter = _intersection(one, other, 1.0)
    smaller = np.minimum(_area(one, 1.0)[:, None], _area(other, 1.0)[None, :])
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(inter / smaller, np.float32)


def _intersection(one: Floats, other: Floats, pixel: float) -> Floats:
    left_top = np.maximum(one[:, None, :2], other[None, :, :2])
    right_bottom = np.minimum(one[:, None, 2:], other[None, :, 2:])
    sides = np.maximum(right_bottom - left_top + np.float32(pixel), np.float32(0))
    return np.asarray(sides[..., 0] * sides[..., 1], np.float32)


def _area(boxes: Floats, pixel: float) -> Floats:
    sides = boxes[:, 2:] - boxes[:, :2] + np.float32(pixel)
    return np.asarray(sides[:, 0] * sides[:, 1], np.float32)


def _greedy(
    boxes: Floats, waiting: Indices, suppresses: Callable[[Floats, Floats], NDArray[np.bool_]]
) -> Indices:
    """Greedy suppression in the order of `waiting`, block by block, without a loop over boxes."""
    kept: list[Indices] = []
    while len(waiting):
        block, waiting = waiting[:BLOCK], waiting[BLOCK:]
        block = block[_settle(suppresses(boxes[block], boxes[block]))]
        waiting = waiting[~suppresses(boxes[block], boxes[waiting]).any(axis=0)]
        kept.append(block)
    return np.concatenate(kept) if kept else np.empty(0, np.int64)


def _settle(suppresses: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which of one block stay, given who suppresses whom (rows over columns, best first).

    A box stays if no better one that stays suppresses it. Starting from "all stay", each round
    settles at least one more link of every chain of suppression; photos need two to six rounds.
    """
    better = np.triu(suppresses, 1).astype(np.float32)
    stays = np.ones(len(better), np.float32)
    while True:
        again = (stays @ better == 0).astype(np.float32)
        if np.array_equal(again, stays):
            return np.asarray(again, np.bool_)
        stays = again
