"""The run's figures on paper."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("lightning", reason="needs the train extra")

from training.fitting.journal import CsvLog

pytestmark = pytest.mark.torch


def test_rows_of_a_resumed_run_follow_the_earlier_ones(tmp_path: Path) -> None:
    for step in (10, 20):
        CsvLog(tmp_path).log_metrics({"fit/loss": step / 10, "fit/rate": 0.5}, step)
    CsvLog(tmp_path).log_metrics({"calib/auc": 0.75}, 20)
    assert (tmp_path / "fit.csv").read_text().split() == [
        "step,loss,rate",
        "10,1.0,0.5",
        "20,2.0,0.5",
    ]
    assert (tmp_path / "calib.csv").read_text().split() == ["step,auc", "20,0.75"]
