"""The pointing game and IoU, on masks and maps that can be counted by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engines.spec import CropGeometry
from tests.training.evaluate.small import ByPixels, bench_of, brightness, pairs_of
from tests.training.sample_data import write_data
from training.evaluate.lists import read_list
from training.evaluate.measures.pointing import CENTRE, CHANCE, hits, measure_pointing, overlap

SIDE = 28


def masks(top: int, left: int, size: int = 14) -> np.ndarray:
    mask = np.zeros((1, SIDE, SIDE), bool)
    mask[0, top : top + size, left : left + size] = True
    return mask


def maps(row: int, column: int) -> np.ndarray:
    found = np.zeros((1, 14, 14), np.float32)
    found[0, row, column] = 1
    return found


@pytest.mark.parametrize(
    ("row", "column", "expected"), [(0, 0, 1), (6, 6, 1), (7, 0, 0), (13, 13, 0)]
)
def test_the_highest_cell_hits_or_misses(row: int, column: int, expected: float) -> None:
    assert hits(maps(row, column), masks(0, 0)).tolist() == [expected]


def test_overlap_takes_as_many_pixels_as_the_mask_has() -> None:
    exact = masks(0, 0)[:, ::2, ::2].astype(np.float32)
    assert overlap(exact, masks(0, 0))[0] > 0.9
    # The other diagonal corner: no pixel in common.
    assert overlap(exact, masks(14, 14)).tolist() == [0]
    # Half of it: 98 of 196 pixels in common, 294 in either.
    assert overlap(exact, masks(0, 7))[0] == pytest.approx(1 / 3, abs=0.06)


def test_every_map_stands_beside_centre_and_chance(tmp_path: Path) -> None:
    folder = write_data(tmp_path, per_class=14)
    geometry = CropGeometry(64, 0.85)
    forged = read_list("dfdc-calib", folder, geometry).forged(geometry, limit=20)
    bench = bench_of(pairs_of(2), seer=ByPixels(brightness, maps=True), blind=ByPixels(brightness))
    found = measure_pointing(bench, forged)
    everything = {one.map: one for one in found if one.method == "all"}
    assert set(everything) == {"seer: its heat map", CENTRE, CHANCE}
    methods = [one for one in found if one.map == CHANCE and one.method != "all"]
    assert everything[CHANCE].faces == sum(one.faces for one in methods)
    # This seer always points at the cell in the middle, as the centre's map does.
    assert everything["seer: its heat map"].hits.value == everything[CENTRE].hits.value
    areas = [float((one.forgery.mask > 0.5).mean()) for one in forged]
    kept = [area for area in areas if 0 < area < 1]
    assert everything[CHANCE].hits.value == pytest.approx(np.mean(kept))


def test_without_a_usable_mask_there_is_nothing_to_say() -> None:
    assert measure_pointing(bench_of(pairs_of(1)), []) == ()
