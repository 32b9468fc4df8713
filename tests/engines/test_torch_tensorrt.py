"""Torch-TensorRT, up to the library that is missing here: what it says, and what it asks for."""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

torch: Any = pytest.importorskip("torch", reason="needs the torch extra")
pytest.importorskip("timm", reason="needs the export extra")
pytest.importorskip("onnx", reason="needs the export extra")

from engines.errors import EngineUnavailable  # noqa: E402  after the skips
from engines.table import open_engine  # noqa: E402
from engines.torch_tensorrt import FORMAT, INSTALL, NAME, REPAIR, load_runtime  # noqa: E402
from export import torch_tensorrt as export  # noqa: E402
from export.__main__ import main  # noqa: E402
from export.onnx_weights import load_network  # noqa: E402
from stream.config import REPOSITORY  # noqa: E402

pytestmark = [pytest.mark.torch, pytest.mark.usefixtures("one_torch_thread")]

WEIGHTS = REPOSITORY / "weights"
MODULE = "torch_tensorrt"


@pytest.fixture
def missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, MODULE, None)


class NoDriver:
    """Finds the package, which fails to load as it does without NVIDIA's driver."""

    def find_spec(self, name: str, path: object, target: object = None) -> ModuleSpec | None:
        if name == MODULE:
            raise OSError("libcuda.so.1: cannot open shared object file")
        return None


class Compiler:
    """`torch_tensorrt` that notes what it is asked for and saves the program as it came."""

    def __init__(self) -> None:
        self.asked: dict[str, Any] = {}
        self.Input = SimpleNamespace
        self.dynamo = SimpleNamespace(compile=self._compile)

    def _compile(self, program: Any, **options: Any) -> Any:
        self.asked = options
        return program

    def save(self, compiled: Any, path: str, *, output_format: str, arg_inputs: Any) -> None:
        assert output_format == "exported_program"
        assert arg_inputs == self.asked["arg_inputs"]
        torch.export.save(compiled, path)


@pytest.mark.usefixtures("missing")
def test_without_the_package_the_error_names_the_extras() -> None:
    with pytest.raises(EngineUnavailable) as caught:
        load_runtime()
    assert (caught.value.engine, caught.value.remedy) == (NAME, INSTALL)
    with pytest.raises(EngineUnavailable) as caught:
        open_engine(NAME, WEIGHTS / "rnet.json", device="cuda:0")
    assert caught.value.remedy == INSTALL


def test_without_a_driver_the_package_does_not_load(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, MODULE, raising=False)
    monkeypatch.setattr(sys, "meta_path", [NoDriver(), *sys.meta_path])
    with pytest.raises(EngineUnavailable, match=r"libcuda\.so\.1") as caught:
        load_runtime()
    assert caught.value.remedy == REPAIR


def test_the_processor_is_no_gpu() -> None:
    with pytest.raises(EngineUnavailable, match="cannot run on 'cpu'; use --device cuda:0"):
        open_engine(NAME, WEIGHTS / "rnet.json")


@pytest.mark.usefixtures("missing")
@pytest.mark.parametrize("command", ["detector", "mtcnn"])
def test_an_export_without_the_package_is_one_line_and_writes_nothing(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command, "--format", FORMAT, "--out", str(tmp_path / "new")]) == 1
    with pytest.raises(EngineUnavailable) as caught:
        load_runtime()
    message = capsys.readouterr().err
    assert message == f"export {command}: {caught.value}; nothing was written\n"
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("half", [False, True], ids=["fp32", "fp16"])
def test_the_compiler_is_asked_for_the_profile_and_the_precision(
    half: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "DEVICE", "cpu")
    network, spec = load_network(WEIGHTS / "rnet.json")
    compiler = Compiler()
    export.compile_network(compiler, network, spec, tmp_path / "rnet.pt2", half=half)
    (given,) = compiler.asked["arg_inputs"]
    assert (given.min_shape, given.max_shape) == ((1, 3, 24, 24), (32, 3, 24, 24))
    assert (given.name, given.dtype) == ("pixels", torch.float32)
    assert compiler.asked["enable_autocast"] is half
    assert compiler.asked["disable_tf32"] is True
    assert (tmp_path / "rnet.pt2").is_file()


def test_bytes_become_floats_before_all_else() -> None:
    seen: list[Any] = []

    class Network(torch.nn.Module):  # type: ignore[misc]
        def forward(self, given: Any) -> tuple[Any, ...]:
            seen.append(given.dtype)
            return (given.mean(),)

    pixels = torch.from_numpy(np.full((1, 8, 8, 3), 3, np.uint8))
    assert export.FloatsFirst(Network())(pixels)[0] == 3
    assert seen == [torch.float32]


@pytest.mark.usefixtures("missing")
def test_bfloat16_is_for_the_torch_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(export, "load_runtime", Compiler)
    command = ["detector", "--format", FORMAT, "--precision", "bf16"]
    assert main([*command, "--out", str(tmp_path / "new")]) == 1
    assert "computes in fp32 or fp16" in capsys.readouterr().err
