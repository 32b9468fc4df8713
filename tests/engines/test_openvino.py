"""OpenVinoEngine: what it compiles when, what it computes in, and what it never sends."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from engines.errors import EngineUnavailable, InferenceFailed, ModelMismatch
from engines.openvino import (
    APART,
    COMPILED,
    REMEMBERED,
    WORTH,
    OpenVinoEngine,
    Requests,
    load_runtime,
)
from engines.spec import ModelSpec
from engines.table import open_engine
from stream.config import REPOSITORY

WEIGHTS = REPOSITORY / "weights"
Shape = tuple[int, ...]


def installed() -> None:
    pytest.importorskip("openvino", reason="needs the openvino extra")


class Compiler:
    """Gives the shape itself for a request, and notes what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[Shape | None] = []

    def __call__(self, shape: Shape | None) -> Shape | None:
        self.asked.append(shape)
        return shape


def requests(*, by_shape: bool = True) -> tuple[Requests, list[Shape | None]]:
    compiler = Compiler()
    return Requests(compiler, by_shape=by_shape), compiler.asked


def use(made: Requests, shape: Shape, times: int) -> list[Any]:
    return [made.of(shape) for _ in range(times)]


def test_a_shape_is_compiled_for_itself_when_enough_of_it_has_come() -> None:
    made, asked = requests()
    third = (1, 3, WORTH // 9 + 1)
    assert use(made, third, 4) == [None, None, third, third]
    for width in range(40, 80):
        assert use(made, (1, 3, 20, width), 20) == [None] * 20
    assert asked == [None, third]


def test_two_compilations_are_some_calls_apart() -> None:
    made, asked = requests()
    one, other = (WORTH,), (WORTH, 1)
    assert made.of(one) == one
    assert use(made, other, APART) == [None] * APART
    assert made.of(other) == other
    assert asked == [None, one, other]


def test_only_so_many_are_kept_and_the_longest_unused_makes_room() -> None:
    made, asked = requests()
    for number in range(COMPILED):
        use(made, (WORTH, 1 + number), APART + 1)
    made.of((WORTH, 1))  # used again: the next one makes room
    use(made, (WORTH, 1 + COMPILED), APART + 1)
    assert made.of((WORTH, 1)) == (WORTH, 1)
    assert len(asked) == 1 + COMPILED + 1
    use(made, (WORTH, 2), APART + 1)
    assert asked[-1] == (WORTH, 2), "compiled again"


def test_only_so_many_counts_are_kept() -> None:
    made, _ = requests()
    for number in range(2 * REMEMBERED):
        made.of((number,))
    assert made.of((0,)) is None
    assert len(made._seen) == REMEMBERED


def test_a_model_with_fixed_sides_is_compiled_once() -> None:
    made, asked = requests(by_shape=False)
    assert use(made, (7, 3, 24, 24), 3 * APART) == [None] * 3 * APART
    assert asked == [None]


def test_a_shape_of_its_own_gives_what_any_shape_gave(monkeypatch: pytest.MonkeyPatch) -> None:
    installed()
    picture = np.random.default_rng(0).integers(0, 256, (1, 40, 50, 3), dtype=np.uint8)
    monkeypatch.setattr("engines.openvino.WORTH", 2 * picture.size)
    with open_engine("openvino", WEIGHTS / "pnet.json") as engine:
        runs = [engine.infer(picture) for _ in range(APART + 2)]
        first = {name: values.copy() for name, values in runs[0].items()}
        engine.infer(255 - picture)
    for name, values in first.items():
        np.testing.assert_allclose(runs[-1][name], values, atol=1e-5)
        np.testing.assert_array_equal(runs[0][name], values, "outputs are the caller's own")


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
    options: list[dict[str, Any]] = []

    class Core:
        def __init__(self) -> None:
            self._core = runtime.Core()

        def read_model(self, path: str) -> Any:
            return self._core.read_model(path)

        def compile_model(self, model: Any, device: str, asked: dict[str, Any]) -> Any:
            options.append(asked)
            return self._core.compile_model(model, device, asked)

    monkeypatch.setitem(sys.modules, "openvino", SimpleNamespace(Core=Core))
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
