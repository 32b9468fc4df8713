"""Pointing: does the heat map show where a face was forged? On forgeries, whose mask is known.

The pointing game (Zhang et al., "Top-Down Neural Attention by Excitation Backprop", ECCV 2016)
asks whether the map's highest point lies in the mask. IoU compares the mask with the map's
highest places, as many as the mask has, so that no threshold is chosen. Faces stand in the middle
of their crops, so a map that always points there is compared as well as chance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from training.evaluate.examples import recode
from training.evaluate.forged import Forged
from training.evaluate.measures.bench import Bench, Figure
from training.evaluate.measures.gradcam import grad_cam
from training.evaluate.scorers import CheckpointScorer
from training.metrics import Floats, limits

Maps = NDArray[np.float32]

HALF: Final = 0.5
"""Where a mask counts as changed."""
CENTRE: Final = "the crop's centre"
CHANCE: Final = "chance"


@dataclass(frozen=True, slots=True)
class Pointing:
    """One map's shares of hits and mean IoU on `faces` forgeries of `method` (or ``all``)."""

    method: str
    map: str
    faces: int
    hits: Figure
    iou: Figure


def measure_pointing(bench: Bench, forged: Sequence[Forged]) -> tuple[Pointing, ...]:
    """Compare each model's own map, Grad-CAM of checkpoints, the centre and chance.

    The forgeries pass one random re-encoding first, as a list's crops do. Those whose mask is
    empty or whole do not count.
    """
    masks = np.array([one.forgery.mask > HALF for one in forged])
    used = [row for row, mask in enumerate(masks) if 0 < mask.mean() < 1]
    if not used:
        return ()
    masks = masks[used]
    crops = np.stack([recode(forged[row].forgery.pixels, forged[row].name)[0] for row in used])
    methods = np.array([forged[row].method for row in used])
    results: list[Pointing] = []
    for name, maps in _maps(bench, crops).items():
        results += _judged(name, hits(maps, masks), overlap(maps, masks), methods, bench.rounds)
    area = masks.mean((1, 2))
    results += _judged(CHANCE, area, area / (2 - area), methods, bench.rounds)
    return tuple(results)


def hits(maps: Maps, masks: NDArray[np.bool_]) -> Floats:
    """1 where the highest cell's centre lies in the mask (N, S, S), else 0."""
    rows, columns, side = *maps.shape[1:], masks.shape[1]
    found = []
    for one, mask in zip(maps, masks, strict=True):
        y, x = np.unravel_index(int(one.argmax()), one.shape)
        found.append(mask[int((y + 0.5) * side / rows), int((x + 0.5) * side / columns)])
    return np.array(found, np.float64)


def overlap(maps: Maps, masks: NDArray[np.bool_]) -> Floats:
    """IoU of each mask with as many of the highest pixels of its map, enlarged to its size."""
    side = masks.shape[1]
    found = []
    for one, mask in zip(maps, masks, strict=True):
        large = cv2.resize(one, (side, side), interpolation=cv2.INTER_LINEAR).ravel()
        area = int(mask.sum())
        highest = np.zeros(len(large), np.bool_)
        highest[np.argpartition(-large, area - 1)[:area]] = True
        both = int((highest & mask.ravel()).sum())
        found.append(both / (2 * area - both))
    return np.array(found, np.float64)


def _maps(bench: Bench, crops: NDArray[np.uint8]) -> Mapping[str, Maps]:
    found: dict[str, Maps] = {}
    for name, scorer in bench.models.items():
        bench.step(f"{name}: heat maps of {len(crops)} forgeries")
        _, heatmaps = scorer.look(crops)
        if heatmaps is not None:
            found[f"{name}: its heat map"] = heatmaps
        if isinstance(scorer, CheckpointScorer):
            size = scorer.network.config.size_px
            seen = np.stack([cv2.resize(crop, (size, size)) for crop in crops])
            found[f"{name}: Grad-CAM"] = grad_cam(scorer.network, seen, scorer.device)
    y, x = np.mgrid[:14, :14] - 6.5
    found[CENTRE] = np.repeat(-np.hypot(x, y).astype(np.float32)[None], len(crops), 0)
    return found


def _judged(
    name: str, hit: Floats, iou: Floats, methods: NDArray[np.str_], rounds: int
) -> list[Pointing]:
    found = []
    for method in ("all", *np.unique(methods).tolist()):
        rows = np.flatnonzero((methods == method) | (method == "all"))
        found.append(
            Pointing(method, name, len(rows), _mean(hit[rows], rounds), _mean(iou[rows], rounds))
        )
    return found


def _mean(values: Floats, rounds: int) -> Figure:
    rng = np.random.default_rng(0)
    drawn = values[rng.integers(len(values), size=(rounds, len(values)))].mean(1)
    return Figure(float(values.mean()), *limits(list(drawn)))
