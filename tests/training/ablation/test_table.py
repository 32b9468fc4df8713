"""The ablation's table."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from training.ablation.table import Cell, Row, markdown, write_table

SETS = ("dfdc-calib", "lfw-all")


def row(name: str, first: float, second: float) -> Row:
    cells = [Cell(value, value - 0.1, value + 0.1, 50) for value in (first, second)]
    return Row(name, {"steps": 100}, dict(zip(SETS, cells, strict=True)))


def test_each_set_has_its_best_in_bold() -> None:
    lines = markdown([row("rgb", 0.8, 0.75), row("srm", 0.7, 0.76)], SETS).splitlines()
    assert lines[0] == "| variant | steps | dfdc-calib | lfw-all |"
    assert lines[2] == "| rgb | 100 | **0.800 [0.700, 0.900]** | 0.750 [0.650, 0.850] |"
    assert lines[3] == "| srm | 100 | 0.700 [0.600, 0.800] | **0.760 [0.660, 0.860]** |"


def test_a_set_of_one_class_has_no_auc() -> None:
    nothing = float("nan")
    assert "| – | **0.700" in markdown([row("rgb", nothing, 0.7)], SETS)


def test_a_cell_is_the_auc_with_its_interval_by_group() -> None:
    rng = np.random.default_rng(0)
    fake = np.arange(200) % 2 == 0
    cell = Cell.of(rng.normal(fake * 1.0, 1.0), fake, [str(k // 2) for k in range(200)])
    assert cell.low < cell.auc < cell.high
    assert cell.auc == pytest.approx(0.76, abs=0.08)
    assert cell.crops == 200


def test_both_files_are_written(tmp_path: Path) -> None:
    text = write_table([row("rgb", 0.8, 0.7)], SETS, tmp_path)
    assert (tmp_path / "ablation.md").read_text() == text
    body = json.loads((tmp_path / "ablation.json").read_text())
    assert body[0]["variant"] == "rgb"
    assert body[0]["cells"]["lfw-all"]["auc"] == 0.7
