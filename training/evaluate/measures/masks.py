"""Masks: which part of the crop tells? Only the background, only the inner face, only the rim."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from training.evaluate.measures.bench import Bench, Figure, figure
from training.fakes.shape import fit_shape
from training.metrics import Resampling, auc

Mask = NDArray[np.bool_]

INNER: Final = 0.75
"""The inner face is the oval shrunk to this: eyes, nose and mouth, without the rim."""
OUTER: Final = 1.12
"""The rim reaches this far beyond the oval, and the background begins there."""
GREY: Final = 127

SHOWN: Final[Mapping[str, Callable[[NDArray[np.float32]], Mask]]] = {
    "background only": lambda oval: ~_inside(oval, OUTER),
    "inner face only": lambda oval: _inside(oval, INNER),
    "boundary ring only": lambda oval: _inside(oval, OUTER) & ~_inside(oval, INNER),
    "face and ring": lambda oval: _inside(oval, OUTER),
}
"""What is left of the crop, as a function of the face's distance map; all else turns grey."""


@dataclass(frozen=True, slots=True)
class Masked:
    """AUC where only a part is seen; `area` is its mean share of the crop."""

    shown: str
    area: float
    crops: int
    auc: Mapping[str, Figure]


def measure_masks(bench: Bench, rows: NDArray[np.intp]) -> tuple[Masked, ...]:
    """Score the crops `rows` of the list, those with a face found, whole and in parts."""
    rows = rows[bench.examples.looks.found[rows]]
    part = bench.examples.taken(rows)
    if not len(part) or part.fake.all() or not part.fake.any():
        return ()
    side = part.crops.shape[1]
    ovals = [radius(landmarks, side) for landmarks in part.looks.landmarks]
    resampling = Resampling(part.groups, bench.rounds)
    whole = {
        name: figure(auc, bench.judged[name].logits[rows], part.fake, resampling)
        for name in bench.models
    }
    found = [Masked("the whole crop", 1.0, len(part), whole)]
    for shown, choose in SHOWN.items():
        kept = np.stack([choose(oval) for oval in ovals])
        crops = np.where(kept[..., None], part.crops, np.uint8(GREY))
        judged = bench.judge(part.with_crops(crops), bench.qualities[rows], baselines=False)
        figures = {n: figure(auc, j.logits, part.fake, resampling) for n, j in judged.items()}
        found.append(Masked(shown, float(kept.mean()), len(part), figures))
    return tuple(found)


def radius(landmarks: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """How far each pixel lies from the middle of the face, (side, side): 1 on its outline.

    The outline is the hull of the jaw and forehead laid over the five landmarks (5, 2) px; along
    any ray from its middle the value grows evenly.
    """
    shape = fit_shape(landmarks)
    hull = cv2.convexHull(np.concatenate([shape.points, shape.forehead]))[:, 0].astype(np.float64)
    middle = hull.mean(0)
    angles = np.arctan2(*(hull - middle).T[::-1])
    order = np.argsort(angles)
    # The outline's distance at any angle, between the hull's corners by straight edges.
    corners = (hull - middle)[order]
    y, x = np.mgrid[:side, :side] + 0.5
    across, down = x - middle[0], y - middle[1]
    after = np.searchsorted(angles[order], np.arctan2(down, across)) % len(corners)
    start, end = corners[after - 1], corners[after]
    edge = end - start
    normal = np.stack([edge[..., 1], -edge[..., 0]], -1)
    to_edge = (start * normal).sum(-1)
    along = across * normal[..., 0] + down * normal[..., 1]
    return np.asarray(along / np.where(np.abs(to_edge) < 1e-9, 1e-9, to_edge), np.float32)


def _inside(oval: NDArray[np.float32], reach: float) -> Mask:
    return np.asarray(oval <= reach, np.bool_)
