"""OpenVinoEngine: what it makes of a model, what it computes in, and what it never sends."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engines.errors import EngineUnavailable, InferenceFailed, ModelMismatch
from engines.openvino import OpenVinoEngine, load_runtime, restore_prelu
from engines.spec import ModelSpec
from engines.table import open_engine
from stream.config import REPOSITORY
from stream.types import Floats

WEIGHTS = REPOSITORY / "weights"


def installed() -> None:
    pytest.importorskip("openvino", reason="needs the openvino extra")


@pytest.mark.parametrize(
    ("name", "prelus"), [("pnet", 3), ("rnet", 4), ("onet", 5), ("detector", 0)]
)
def test_every_prelu_of_the_networks_is_restored(name: str, prelus: int) -> None:
    installed()
    runtime = load_runtime()
    model = runtime.Core().read_model(str(WEIGHTS / f"{name}.onnx"))
    assert restore_prelu(runtime, model) == prelus
    kinds = [node.get_type_name() for node in model.get_ordered_ops()]
    assert kinds.count("PRelu") == prelus
    assert restore_prelu(runtime, model) == 0


@pytest.mark.parametrize(
    ("slope", "rest", "same", "restored"),
    [(0.3, 0.7, True, 1), (-0.2, 1.2, True, 1), (0.3, 0.6, True, 0), (0.3, 0.7, False, 0)],
)
@pytest.mark.parametrize("swapped", [False, True])
def test_only_what_is_a_prelu_is_taken_for_one(
    slope: float, rest: float, same: bool, restored: int, swapped: bool
) -> None:
    installed()
    runtime = load_runtime()
    ops = runtime.opset1
    first, second = (ops.parameter([1, 2, 3], np.float32) for _ in range(2))
    slopes, rests = (np.full((2, 1), value, np.float32) for value in (slope, rest))
    parts = [ops.multiply(first, slopes), ops.multiply(rests, ops.relu(first if same else second))]
    model = runtime.Model([ops.add(*(parts[::-1] if swapped else parts))], [first, second], "sum")
    values = np.linspace(-1, 1, 12, dtype=np.float32).reshape(2, 1, 2, 3)

    def computed() -> Floats:
        return np.array(runtime.compile_model(model, "CPU")([*values])[0])

    before = computed()
    assert restore_prelu(runtime, model) == restored
    np.testing.assert_allclose(computed(), before, atol=1e-6)


def test_pictures_of_any_size_give_what_onnxruntime_gives_and_outputs_are_the_callers() -> None:
    installed()
    rng = np.random.default_rng(0)
    sizes = [(40, 50), (217, 385), (12, 12), (40, 50)]
    pictures = [rng.integers(0, 256, (1, *size, 3), dtype=np.uint8) for size in sizes]
    with (
        open_engine("openvino", WEIGHTS / "pnet.json") as ours,
        open_engine("onnxruntime", WEIGHTS / "pnet.json") as reference,
    ):
        results = [ours.infer(picture) for picture in pictures]
        for picture, result in zip(pictures, results, strict=True):
            for key, expected in reference.infer(picture).items():
                np.testing.assert_allclose(result[key], expected, atol=1e-4)


@pytest.mark.parametrize("name", ["detector", "rnet", "onet"])
def test_outputs_are_onnxruntimes(name: str) -> None:
    installed()
    spec = ModelSpec.load(WEIGHTS / f"{name}.json")
    side = spec.inputs[0].shape[2]
    assert isinstance(side, int)
    batch = np.random.default_rng(1).integers(0, 256, (3, side, side, 3), dtype=np.uint8)
    with (
        open_engine("openvino", WEIGHTS / f"{name}.json") as ours,
        open_engine("onnxruntime", WEIGHTS / f"{name}.json") as reference,
    ):
        expected = reference.infer(batch)
        for key, values in ours.infer(batch).items():
            np.testing.assert_allclose(values, expected[key], atol=1e-4)


def test_it_computes_in_float32_on_the_threads_it_is_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    installed()
    runtime = load_runtime()
    core = runtime.Core
    options: list[dict[str, Any]] = []

    class Core:
        def __init__(self) -> None:
            self._core = core()

        def read_model(self, path: str) -> Any:
            return self._core.read_model(path)

        def compile_model(self, model: Any, device: str, asked: dict[str, Any]) -> Any:
            options.append(asked)
            return self._core.compile_model(model, device, asked)

    monkeypatch.setattr(runtime, "Core", Core)
    with open_engine("openvino", WEIGHTS / "rnet.json", threads=2) as engine:
        assert engine.provider == "OpenVINO CPU"
    assert options[0]["INFERENCE_PRECISION_HINT"] == "f32"
    assert options[0]["INFERENCE_NUM_THREADS"] == 2


def test_another_device_is_refused() -> None:
    with pytest.raises(EngineUnavailable, match="cannot run on 'cuda:0'; use --device cpu"):
        open_engine("openvino", WEIGHTS / "rnet.json", device="cuda:0")


def test_a_missing_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(EngineUnavailable, match=r"is missing; pip install .*\[openvino\]"):
        load_runtime()


def test_bytes_that_are_no_model_are_one_clear_line(tmp_path: Path) -> None:
    installed()
    (tmp_path / "rnet.onnx").write_bytes(b"not a model")
    spec = ModelSpec.load(WEIGHTS / "rnet.json")
    with pytest.raises(ModelMismatch, match="OpenVINO cannot read it") as caught:
        OpenVinoEngine(spec, tmp_path / "rnet.onnx", device="cpu", threads=1)
    assert "\n" not in str(caught.value)


def test_a_closed_engine_refuses_to_run() -> None:
    installed()
    engine = open_engine("openvino", WEIGHTS / "rnet.json")
    engine.close()
    with pytest.raises(InferenceFailed, match="the engine is closed"):
        engine.infer(np.zeros((1, 24, 24, 3), np.uint8))


SILENT = """
import sys
from pathlib import Path
from engines.table import open_engine
open_engine("openvino", Path("weights/rnet.json")).close()
from openvino.tools.ovc import telemetry_utils
print(telemetry_utils.tm.__name__, [name for name in sys.modules if "telemetry.main" in name])
"""


def test_nothing_is_reported_to_the_maker() -> None:
    installed()
    done = subprocess.run(
        [sys.executable, "-c", SILENT], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["openvino.tools.ovc.telemetry_stub", "[]"]
