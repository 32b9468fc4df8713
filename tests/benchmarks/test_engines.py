"""Benchmark `engines`: a row for what ran, a reason for what did not, and figures to meet."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks import engines
from benchmarks.engines import Case, cases, difference, main
from stream.config import WEIGHTS


def test_engines_are_tried_where_they_can_run_with_each_folder() -> None:
    other = Path("fp16")
    assert list(cases(["openvino", "onnxruntime-cuda"], None, [WEIGHTS, other])) == [
        Case("openvino", "cpu", WEIGHTS),
        Case("openvino", "cpu", other),
        Case("onnxruntime-cuda", "cuda:0", WEIGHTS),
        Case("onnxruntime-cuda", "cuda:0", other),
    ]
    assert [case.device for case in cases(["torch"], None, [WEIGHTS])] == ["cpu", "cuda:0"]
    assert [case.device for case in cases(["torch"], "cuda:1", [WEIGHTS])] == ["cuda:1"]


def test_the_largest_difference_counts_and_no_number_never_agrees() -> None:
    ours = {"a": np.array([1.0, 2.5], np.float32), "b": np.array([3.0], np.float32)}
    theirs = {"a": np.array([1.0, 2.0], np.float32), "b": np.array([3.1], np.float32)}
    assert difference(ours, theirs) == 0.5
    assert np.isnan(
        difference({"a": np.array([np.nan], np.float32)}, {"a": np.ones(1, np.float32)})
    )


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "BATCHES", (1, 2))
    monkeypatch.setattr(engines, "WARM_CALLS", 1)
    monkeypatch.setattr(engines, "LEAST_CALLS", 2)
    monkeypatch.setattr(engines, "MODELS", ("rnet", "pnet"))
    monkeypatch.setattr(engines, "PICTURE", (24, 32))
    monkeypatch.setattr(engines, "PEAK_SIDE", 64)


@pytest.mark.usefixtures("quick")
def test_what_ran_has_times_and_agrees(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "engines.json"
    command = ["--engine", "onnxruntime", "--seconds", "0", "--json", str(file), "--check"]
    assert main(command) == 0
    figures = json.loads(file.read_text())["figures"]
    assert [(row["model"], row["batch"]) for row in figures["rows"]] == [
        ("rnet", 1), ("rnet", 2), ("pnet", 1),
    ]  # fmt: skip
    for row in figures["rows"]:
        assert 0 < row["median ms"] <= row["p99 ms"]
        assert row["difference"] <= 1e-5
        assert row["of peak"].endswith("%")
    assert figures["models"][0] == {
        "model": "rnet", "parameters": 100178, "GFLOP": pytest.approx(0.003, abs=0.002),
        "for": "a crop",
    }  # fmt: skip
    assert "met: engines that ran" in capsys.readouterr().out


@pytest.mark.usefixtures("quick")
def test_the_detector_in_int8_is_held_against_the_one_in_float_where_it_runs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(engines, "MODELS", ("detector", "detector.int8"))
    monkeypatch.setattr(engines, "BATCHES", (1,))
    file = tmp_path / "engines.json"
    command = ["--engine", "onnxruntime", "--seconds", "0", "--json", str(file), "--check"]
    assert main(command) == 0
    full, small = json.loads(file.read_text())["figures"]["rows"]
    assert (full["precision"], small["precision"]) == ("fp32", "int8")
    assert full["difference"] < 1e-3
    assert 1e-3 < small["difference"] < 0.5
    for case in (Case("torch", "cpu", WEIGHTS), Case("onnxruntime-cuda", "cuda:0", WEIGHTS)):
        assert engines._models_of(case) == ["detector"]
    assert engines._models_of(Case("openvino", "cpu", tmp_path)) == ["detector"]


@pytest.mark.usefixtures("quick")
def test_what_cannot_run_says_why_and_falls_short(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["--engine", "onnxruntime", "--device", "cuda:7", "--seconds", "0", "--check"]
    assert main([*command, "--json", str(tmp_path / "f.json")]) == 1
    said = capsys.readouterr().out
    assert "not run: engine 'onnxruntime': it cannot run on 'cuda:7'" in said
    [row] = json.loads((tmp_path / "f.json").read_text())["figures"]["rows"]
    assert (row["model"], row["batch"]) == ("not run", None)
