"""ENGINES: choosing and opening."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from engines.errors import EngineUnavailable, InferenceFailed, ModelMismatch
from engines.spec import ModelSpec
from engines.table import CANDIDATES, ENGINES, build_needed, choose_engine, open_engine
from stream.config import REPOSITORY

WEIGHTS = REPOSITORY / "weights"


class Recorder:
    """An engine that notes how it is opened and run."""

    opened: ClassVar[list[tuple[str, str, str, int, Path | None]]] = []
    batches: ClassVar[list[tuple[int, ...]]] = []
    closed: ClassVar[int] = 0
    fails: ClassVar[bool] = False

    def __init__(
        self, spec: ModelSpec, weights: Path, *, device: str, threads: int, cache: Path | None
    ) -> None:
        self.opened.append((spec.name, weights.name, device, threads, cache))

    def infer(self, batch: np.ndarray[Any, Any]) -> dict[str, Any]:
        self.batches.append((*batch.shape, batch.dtype.itemsize))
        if self.fails:
            raise InferenceFailed("rnet", "out of memory")
        return {}

    def close(self) -> None:
        type(self).closed += 1


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> type[Recorder]:
    monkeypatch.setitem(ENGINES, "recorder", f"{__name__}:Recorder")
    monkeypatch.setattr("engines.table.import_module", lambda name: _Module)
    Recorder.opened, Recorder.batches, Recorder.closed, Recorder.fails = [], [], 0, False
    return Recorder


class Slow(Recorder):
    """An engine that builds for minutes, unless `cache` holds something."""

    asked: ClassVar[list[tuple[str, str, str]]] = []

    @classmethod
    def ready(cls, spec: ModelSpec, weights: Path, *, device: str, cache: Path | None) -> bool:
        cls.asked.append((spec.name, weights.name, device))
        return cache is not None


class _Module:
    Recorder = Recorder
    Slow = Slow


def test_a_model_is_opened_with_device_and_threads_and_run_once(recorder: type[Recorder]) -> None:
    cache = Path("cache")
    open_engine("recorder", WEIGHTS / "rnet.json", device="npu:0", threads=2, cache=cache)
    assert recorder.opened == [("rnet", "rnet.onnx", "npu:0", 2, cache)]
    assert recorder.batches == [(1, 24, 24, 3, 4)]


def test_free_sides_are_warmed_up_at_some_size(recorder: type[Recorder]) -> None:
    open_engine("recorder", WEIGHTS / "pnet.json")
    assert recorder.batches == [(1, 64, 64, 3, 4)]


def test_an_engine_that_fails_to_warm_up_is_closed(recorder: type[Recorder]) -> None:
    recorder.fails = True
    with pytest.raises(InferenceFailed):
        open_engine("recorder", WEIGHTS / "rnet.json")
    assert recorder.closed == 1


def test_an_engine_that_builds_says_whether_it_has(
    recorder: type[Recorder], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ENGINES, "slow", f"{__name__}:Slow")
    rnet = WEIGHTS / "rnet.json"
    assert build_needed("slow", rnet, device="npu:0")
    assert not build_needed("slow", rnet, cache=Path("cache"))
    assert Slow.asked == [("rnet", "rnet.onnx", "npu:0"), ("rnet", "rnet.onnx", "cpu")]
    assert not build_needed("recorder", rnet)
    assert recorder.opened == []


def test_auto_without_a_trial_is_the_first_that_is_installed(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    with caplog.at_level(logging.INFO, logger="engines.table"):
        name, why = choose_engine("auto", "cpu")
    assert name == "onnxruntime"
    assert caplog.messages == [f"engine auto: chose onnxruntime on cpu, {why}"]
    monkeypatch.setattr(
        "engines.table.installed_version", lambda name: "none" if "onnx" in name else "1.0"
    )
    assert choose_engine("auto", "cpu")[0] == "openvino"


@pytest.mark.parametrize("device", ["cpu", "cuda:0", "npu:0"])
def test_auto_knows_no_engine_where_none_is_installed(
    device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engines.table.installed_version", lambda name: "none")
    with pytest.raises(EngineUnavailable, match=f"no engine for the device '{device}'"):
        choose_engine("auto", device)


def test_every_candidate_of_auto_is_an_engine() -> None:
    assert {name for names in CANDIDATES.values() for name in names} <= ENGINES.keys()


def test_a_named_engine_is_taken_at_its_word() -> None:
    assert choose_engine("onnxruntime", "cpu") == ("onnxruntime", "named by the user")


@pytest.mark.parametrize("name", ["turbo", "abacus"])
def test_an_engine_that_does_not_exist_is_unavailable(name: str) -> None:
    with pytest.raises(EngineUnavailable, match="not in this version; use one of: auto, onnx"):
        open_engine(name, WEIGHTS / "rnet.json")


def test_changed_bytes_are_noticed_before_anything_is_opened(
    recorder: type[Recorder], tmp_path: Path
) -> None:
    for suffix in ("json", "onnx"):
        shutil.copy(WEIGHTS / f"rnet.{suffix}", tmp_path)
    with (tmp_path / "rnet.onnx").open("ab") as file:
        file.write(b"\0")
    with pytest.raises(ModelMismatch, match="SHA-256"):
        open_engine("recorder", tmp_path / "rnet.json")
    assert recorder.opened == []
