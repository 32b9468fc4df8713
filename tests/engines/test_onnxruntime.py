"""OnnxRuntimeEngine: how it opens, and what it says when it cannot."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from engines.errors import EngineUnavailable, InferenceFailed, ModelMismatch
from engines.onnxruntime import OnnxRuntimeEngine, load_runtime
from engines.spec import ModelSpec, TensorSpec
from stream.config import REPOSITORY

SPEC_FILE = REPOSITORY / "weights" / "rnet.json"


@pytest.fixture
def spec() -> ModelSpec:
    return ModelSpec.load(SPEC_FILE)


@pytest.fixture
def weights(spec: ModelSpec) -> Path:
    return spec.weights_path(SPEC_FILE)


class FakeRuntime(ModuleType):
    """Notes how a session is opened; its session reports `providers` and fails to run."""

    def __init__(self, spec: ModelSpec, providers: list[str]) -> None:
        super().__init__("onnxruntime")
        self.entries: dict[str, str] = {}
        self.options = SimpleNamespace(add_session_config_entry=self.entries.__setitem__)
        self.asked: list[str] = []
        self.ExecutionMode = SimpleNamespace(ORT_SEQUENTIAL="sequential")
        self.SessionOptions = lambda: self.options
        self.InferenceSession = self.open
        self._nodes = [
            [SimpleNamespace(name=t.name, shape=list(t.shape)) for t in tensors]
            for tensors in (spec.inputs, spec.outputs)
        ]
        self._providers = providers

    def open(self, path: str, options: Any, providers: list[str]) -> Any:
        self.asked = providers
        return SimpleNamespace(
            get_providers=lambda: self._providers,
            get_inputs=lambda: self._nodes[0],
            get_outputs=lambda: self._nodes[1],
            run=self.fail,
        )

    def fail(self, names: list[str], feed: dict[str, Any]) -> None:
        raise RuntimeError("out of memory")


def test_threads_are_explicit_and_do_not_spin(
    monkeypatch: pytest.MonkeyPatch, spec: ModelSpec, weights: Path
) -> None:
    runtime = FakeRuntime(spec, ["CPUExecutionProvider"])
    monkeypatch.setitem(sys.modules, "onnxruntime", runtime)
    engine = OnnxRuntimeEngine(spec, weights, device="cpu", threads=3)
    assert runtime.options.intra_op_num_threads == 3
    assert runtime.options.inter_op_num_threads == 1
    assert runtime.options.execution_mode == "sequential"
    assert runtime.entries == {"session.intra_op.allow_spinning": "0"}
    assert runtime.asked == ["CPUExecutionProvider"]
    assert (engine.provider, engine.device) == ("CPUExecutionProvider", "cpu")


def test_another_provider_than_the_one_asked_for_is_refused(
    monkeypatch: pytest.MonkeyPatch, spec: ModelSpec, weights: Path
) -> None:
    runtime = FakeRuntime(spec, ["AzureExecutionProvider", "CPUExecutionProvider"])
    monkeypatch.setitem(sys.modules, "onnxruntime", runtime)
    with pytest.raises(EngineUnavailable, match="AzureExecutionProvider runs in place of"):
        OnnxRuntimeEngine(spec, weights, device="cpu", threads=1)


def test_a_failing_call_names_the_model_and_the_cause(
    monkeypatch: pytest.MonkeyPatch, spec: ModelSpec, weights: Path
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", FakeRuntime(spec, ["CPUExecutionProvider"]))
    engine = OnnxRuntimeEngine(spec, weights, device="cpu", threads=1)
    with pytest.raises(InferenceFailed, match="'rnet' failed: out of memory"):
        engine.infer(np.zeros((1, 24, 24, 3), np.uint8))


def test_a_missing_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(EngineUnavailable) as caught:
        load_runtime()
    assert str(caught.value) == (
        "engine 'onnxruntime': the package onnxruntime is missing; pip install deepfakestream[cpu]"
    )


def test_its_telemetry_is_switched_off(monkeypatch: pytest.MonkeyPatch, spec: ModelSpec) -> None:
    runtime = FakeRuntime(spec, [])
    calls: list[None] = []
    runtime.__dict__["disable_telemetry_events"] = lambda: calls.append(None)
    monkeypatch.setitem(sys.modules, "onnxruntime", runtime)
    load_runtime()
    assert len(calls) == 1


SILENT = """
from pathlib import Path
from engines.table import open_engine
open_engine("onnxruntime", Path("weights/rnet.json")).close()
"""


def test_it_notes_nothing_of_its_use_on_the_disk(tmp_path: Path) -> None:
    folders = {name: str(tmp_path) for name in ("HOME", "TMPDIR", "XDG_CACHE_HOME")}
    command = [sys.executable, "-c", SILENT]
    subprocess.run(command, cwd=REPOSITORY, env=folders, check=True)
    assert not list(tmp_path.rglob("*"))


def test_a_device_that_it_cannot_run_on_is_refused(spec: ModelSpec, weights: Path) -> None:
    with pytest.raises(EngineUnavailable, match="cannot run on 'cuda:0'; use --device cpu"):
        OnnxRuntimeEngine(spec, weights, device="cuda:0", threads=1)


def test_bytes_that_are_no_model_are_a_mismatch(spec: ModelSpec, tmp_path: Path) -> None:
    file = tmp_path / "rnet.onnx"
    file.write_bytes(b"not a model")
    with pytest.raises(ModelMismatch, match="cannot read it") as caught:
        OnnxRuntimeEngine(spec, file, device="cpu", threads=1)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"inputs": (TensorSpec("crops", "float32", ("batch", 3, 24, 24)),)}, "its inputs are"),
        ({"outputs": (TensorSpec("boxes", "float32", ("batch", 4)),)}, "its outputs are"),
        ({"inputs": (TensorSpec("pixels", "float32", ("batch", 3, 48, 48)),)}, "has shape"),
        ({"inputs": (TensorSpec("pixels", "float32", ("batch", 3, 24)),)}, "has shape"),
        ({"inputs": (TensorSpec("pixels", "float32", (1, 3, 24, 24)),)}, "has shape"),
        ({"inputs": (TensorSpec("pixels", "float32", ("batch", 3, 24, "width")),)}, "has shape"),
    ],
    ids=["input name", "output missing", "size", "rank", "fixed batch", "free width"],
)
def test_a_model_that_is_not_the_one_described_is_a_mismatch(
    spec: ModelSpec, weights: Path, change: dict[str, Any], problem: str
) -> None:
    with pytest.raises(ModelMismatch, match=problem):
        OnnxRuntimeEngine(replace(spec, **change), weights, device="cpu", threads=1)


def test_a_closed_engine_refuses_to_run(spec: ModelSpec, weights: Path) -> None:
    with OnnxRuntimeEngine(spec, weights, device="cpu", threads=1) as engine:
        engine.infer(np.zeros((1, 24, 24, 3), np.uint8))
    with pytest.raises(InferenceFailed, match="the engine is closed"):
        engine.infer(np.zeros((1, 24, 24, 3), np.uint8))
