"""TorchEngine on the CPU: what it runs, how, and what it refuses. CUDA graphs over a stand-in."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

torch: Any = pytest.importorskip("torch", reason="needs the torch extra")
pytest.importorskip("timm", reason="needs the export extra")
pytest.importorskip("onnx", reason="needs the export extra")

from engines.errors import EngineUnavailable, ModelMismatch  # noqa: E402  after the skips
from engines.spec import ModelSpec, TensorSpec  # noqa: E402
from engines.table import open_engine  # noqa: E402
from engines.torch import INSTALL, NAME, TorchEngine, TorchOptions, moved  # noqa: E402
from engines.torch_graphs import MOST, WARM_UPS, CudaGraphs  # noqa: E402
from export.torch_program import export_program  # noqa: E402
from stream.config import REPOSITORY  # noqa: E402

pytestmark = [pytest.mark.torch, pytest.mark.usefixtures("one_torch_thread")]

WEIGHTS = REPOSITORY / "weights"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("torch")
    export_program(WEIGHTS / "rnet.json", folder)
    return folder


def with_changes(folder: Path, out: Path, **changes: Any) -> Path:
    """R-Net's program with another spec."""
    spec = replace(ModelSpec.load(folder / "rnet.json"), **changes)
    shutil.copy(folder / "rnet.pt2", out)
    spec.save(out / "rnet.json")
    return out / "rnet.json"


def crops(count: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.random.default_rng(3).integers(0, 256, (count, 24, 24, 3), np.uint8)


def reference(batch: np.ndarray[Any, np.dtype[np.uint8]]) -> Any:
    with open_engine("onnxruntime", WEIGHTS / "rnet.json") as engine:
        return engine.infer(batch)


@pytest.mark.parametrize("channels_last", [False, True])
def test_eager_gives_what_onnx_runtime_gives(
    folder: Path, tmp_path: Path, channels_last: bool
) -> None:
    spec = with_changes(folder, tmp_path, options={"channels_last": channels_last})
    batch = crops(5)
    with open_engine(NAME, spec) as engine:
        assert engine.provider == "torch eager"
        outputs = engine.infer(batch)
    for name, values in reference(batch).items():
        np.testing.assert_allclose(outputs[name], values, atol=1e-5)


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_half_precision_is_near_and_not_the_same(
    folder: Path, tmp_path: Path, precision: str
) -> None:
    batch = crops(5)
    with open_engine(NAME, with_changes(folder, tmp_path, precision=precision)) as engine:
        found = engine.infer(batch)["probability"]
    expected = reference(batch)["probability"]
    assert 0 < np.abs(found - expected).max() < 0.05


def test_a_compiled_program_is_compiled_for_any_batch(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only up to inductor, which takes minutes: `python -m export … --compile` goes through it."""
    asked: list[dict[str, Any]] = []

    def compile_(module: Any, **options: Any) -> Any:
        asked.append(options)
        return module

    monkeypatch.setattr(torch, "compile", compile_)
    with open_engine(NAME, with_changes(folder, tmp_path, options={"compile": True})) as engine:
        assert engine.provider == "torch inductor"
        assert len(engine.infer(crops(4))["probability"]) == 4
    assert asked == [{"dynamic": True, "mode": "default"}]


def test_a_picture_that_may_not_be_written_to_is_taken(folder: Path) -> None:
    batch = crops(2).astype(np.float32)
    batch.setflags(write=False)
    with open_engine(NAME, folder / "rnet.json") as engine:
        assert len(engine.infer(batch)["probability"]) == 2


def test_a_program_is_moved_with_its_weights_and_its_own_tensors(folder: Path) -> None:
    program = moved(torch.export.load(str(folder / "rnet.pt2")), "meta")
    assert {tensor.device.type for tensor in program.state_dict.values()} == {"meta"}


# -- refusals -----------------------------------------------------------------------------------


def test_onnx_weights_name_the_export_to_run() -> None:
    with pytest.raises(ModelMismatch, match="takes torch") as caught:
        open_engine(NAME, WEIGHTS / "detector.json")
    assert "python -m export detector --format torch" in caught.value.remedy
    assert "--set engine.weights=" in caught.value.remedy


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"inputs": (TensorSpec("pixels", "uint8", ("batch", 3, 24, 24)),)}, "its inputs are"),
        ({"inputs": (TensorSpec("pixels", "float32", ("batch", 3, 24, "w")),)}, "its inputs are"),
        ({"outputs": (TensorSpec("boxes", "float32", ("batch", 4)),)}, "its outputs are"),
        ({"options": {"turbo": True}}, "unexpected keyword argument 'turbo'"),
    ],
    ids=["type", "free side", "output missing", "option"],
)
def test_a_spec_of_another_program_is_a_mismatch(
    folder: Path, tmp_path: Path, changes: dict[str, Any], problem: str
) -> None:
    with pytest.raises(ModelMismatch, match=problem):
        open_engine(NAME, with_changes(folder, tmp_path, **changes))


def test_a_gpu_that_torch_does_not_see_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(EngineUnavailable, match=r"sees 1 GPUs, not cuda:1"):
        open_engine(NAME, folder / "rnet.json", device="cuda:1")


def test_without_torch_the_error_names_the_extra(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(EngineUnavailable, match="torch is missing") as caught:
        open_engine(NAME, folder / "rnet.json")
    assert caught.value.remedy == INSTALL


# -- CUDA graphs --------------------------------------------------------------------------------


class Recorder:
    """torch with just what a recording takes; a replay runs the recorded call again."""

    def __init__(self) -> None:
        self.calls: list[int] = []
        self.cuda = SimpleNamespace(
            Stream=lambda: SimpleNamespace(wait_stream=lambda stream: None),
            current_stream=lambda: SimpleNamespace(wait_stream=lambda stream: None),
            stream=self._aside,
            CUDAGraph=lambda: SimpleNamespace(replay=lambda: None),
            graph=self._graph,
        )
        self._graph_open: Any = None

    def zeros(self, shape: Sequence[int], dtype: Any, device: Any) -> Any:
        return torch.zeros(*shape, dtype=dtype, device=device)

    @contextmanager
    def _aside(self, stream: Any) -> Iterator[None]:
        yield

    @contextmanager
    def _graph(self, graph: Any) -> Iterator[None]:
        self._graph_open = graph
        yield
        self._graph_open = None

    def call(self, given: Any) -> Sequence[Any]:
        self.calls.append(len(given))
        result = given.sum(1)
        if self._graph_open is not None:
            self._graph_open.replay = lambda: result.copy_(given.sum(1))
        return [result]


def test_each_size_is_recorded_once_and_replayed_from_then_on() -> None:
    recorder = Recorder()
    graphs = CudaGraphs(recorder, recorder.call)
    for count in (1, 3, 4, 3, 1):
        given = torch.arange(count * 2.0).view(count, 2)
        (result,) = graphs(given)
        assert result.tolist() == given.sum(1).tolist()
    assert recorder.calls == [1] * (WARM_UPS + 1) + [4] * (WARM_UPS + 1)


def test_a_batch_too_large_for_a_graph_is_run_without() -> None:
    recorder = Recorder()
    (result,) = CudaGraphs(recorder, recorder.call)(torch.ones(MOST + 1, 2))
    assert len(result) == MOST + 1
    assert recorder.calls == [MOST + 1]


def test_options_are_those_of_the_spec(folder: Path) -> None:
    spec = ModelSpec.load(folder / "rnet.json")
    assert TorchOptions.of(spec, folder) == TorchOptions(compile=False)
    assert TorchEngine.format == spec.format
