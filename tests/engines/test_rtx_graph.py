"""ONNX said as TensorRT for RTX takes it: the same numbers come out of ONNX Runtime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="needs the tensorrt-rtx extra")
onnxruntime = pytest.importorskip("onnxruntime")

from engines.errors import EngineUnavailable  # noqa: E402  after the skips
from engines.rtx_graph import buildable  # noqa: E402
from stream.config import REPOSITORY  # noqa: E402

WEIGHTS = REPOSITORY / "weights"


def run(model: bytes | str, **inputs: np.ndarray[Any, np.dtype[Any]]) -> list[Any]:
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    return list(session.run(None, inputs))


def operations(model: bytes) -> list[str]:
    return [node.op_type for node in onnx.load_from_string(model).graph.node]


@pytest.mark.parametrize("dense", [False, True], ids=["dense", "convolution"])
def test_the_shipped_detector_computes_the_same(dense: bool) -> None:
    file = WEIGHTS / "detector.onnx"
    crops = np.random.default_rng(0).integers(0, 256, (3, 160, 160, 3), np.uint8)
    changed = buildable(file, dense_as_convolution=dense)
    for ours, theirs in zip(run(changed, crops=crops), run(str(file), crops=crops), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5 if dense else 0)
    assert operations(changed)[:2] == ["Cast", "Transpose"]
    assert ("Gemm" in operations(changed)) is not dense


@pytest.mark.parametrize(("name", "side"), [("rnet", 24), ("onet", 48)])
def test_mtcnns_dense_layers_become_convolutions(name: str, side: int) -> None:
    file = WEIGHTS / f"{name}.onnx"
    pixels = np.random.default_rng(1).normal(size=(5, 3, side, side)).astype(np.float32)
    changed = buildable(file, dense_as_convolution=True)
    assert "Gemm" not in operations(changed)
    for ours, theirs in zip(
        run(changed, pixels=pixels), run(str(file), pixels=pixels), strict=True
    ):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_without_onnx_the_error_names_the_extra(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)
    with pytest.raises(EngineUnavailable) as caught:
        buildable(tmp_path / "none.onnx", dense_as_convolution=False)
    assert caught.value.remedy == "pip install deepfakestream[tensorrt-rtx]"


def test_a_product_with_factors_is_left_alone(tmp_path: Path) -> None:
    helper, kinds = onnx.helper, onnx.TensorProto
    graph = helper.make_graph(
        [helper.make_node("Gemm", ["x", "w", "b"], ["y"], transB=1, alpha=2.0)],
        "scaled",
        [helper.make_tensor_value_info("x", kinds.FLOAT, ["batch", 2])],
        [helper.make_tensor_value_info("y", kinds.FLOAT, ["batch", 1])],
        [helper.make_tensor("w", kinds.FLOAT, [1, 2], [1, 2]),
         helper.make_tensor("b", kinds.FLOAT, [1], [3])],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    (tmp_path / "scaled.onnx").write_bytes(model.SerializeToString())
    changed = buildable(tmp_path / "scaled.onnx", dense_as_convolution=True)
    assert operations(changed) == ["Gemm"]
    (result,) = run(changed, x=np.ones((1, 2), np.float32))
    assert result.tolist() == [[9.0]]
