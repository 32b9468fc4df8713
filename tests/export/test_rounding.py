"""Rounding weights together: whole numbers, and outputs nearer to the float ones."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="needs the export extra")
pytest.importorskip("onnxruntime", reason="needs the export extra")

CHANNELS, SIDE = 6, 12


@pytest.fixture(scope="module")
def rounding() -> ModuleType:
    import export.rounding

    return export.rounding


def network(groups: int, bias: bool) -> Any:
    """Bytes to floats, then one convolution of 3×3, stride 2, padded."""
    helper, kinds = onnx.helper, onnx.TensorProto
    rng = np.random.default_rng(0)
    weight = rng.normal(0, 0.1, (CHANNELS, 3 // groups, 3, 3)).astype(np.float32)
    weight[-1] = 0
    tensors = [onnx.numpy_helper.from_array(weight, "w")]
    if bias:
        tensors.append(onnx.numpy_helper.from_array(np.ones(CHANNELS, np.float32), "b"))
    nodes = [
        helper.make_node("Transpose", ["crops"], ["turned"], name="turn", perm=[0, 3, 1, 2]),
        helper.make_node("Cast", ["turned"], ["x"], name="cast", to=kinds.FLOAT),
        helper.make_node(
            "Conv", ["x", "w", *(["b"] if bias else [])], ["y"], name="conv",
            kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[2, 2], group=groups,
        ),
    ]  # fmt: skip
    shape = ["batch", CHANNELS, SIDE // 2, SIDE // 2]
    graph = helper.make_graph(
        nodes,
        "one",
        [helper.make_tensor_value_info("crops", kinds.UINT8, ["batch", SIDE, SIDE, 3])],
        [helper.make_tensor_value_info("y", kinds.FLOAT, shape)],
        tensors,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


def smooth(count: int, seed: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Pictures whose neighbours are alike, as in photographs."""
    rng = np.random.default_rng(seed)
    flat = rng.integers(40, 200, (count, 1, 1, 3))
    return np.asarray(flat + rng.integers(-9, 9, (count, SIDE, SIDE, 3)), np.uint8)


def run(model: Any, crops: Any) -> Any:
    import onnxruntime

    providers = ["CPUExecutionProvider"]
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=providers)
    return session.run(["y"], {"crops": crops})[0]


def tensor(model: Any, name: str) -> Any:
    (found,) = (each for each in model.graph.initializer if each.name == name)
    return onnx.numpy_helper.to_array(found)


@pytest.mark.parametrize("groups", [1, 3])
@pytest.mark.parametrize("bias", [True, False])
def test_weights_become_whole_numbers_and_outputs_stay_nearer_than_by_plain_rounding(
    rounding: ModuleType, groups: int, bias: bool
) -> None:
    float_one, together, plain = (network(groups, bias) for _ in range(3))
    scale = rounding.round_weights(together, ["conv"], smooth(32, 1))["w"][:, None, None, None]
    whole = tensor(together, "w") / scale
    np.testing.assert_allclose(whole, np.rint(whole), atol=1e-3)
    assert 100 < np.abs(whole).max() <= 127.001
    weight = tensor(plain, "w")
    nearest = np.asarray(np.rint(weight / scale) * scale, np.float32)
    plain.graph.initializer[0].CopyFrom(onnx.numpy_helper.from_array(nearest, "w"))
    crops = smooth(32, 2)
    wanted = run(float_one, crops)
    errors = [np.square(run(model, crops) - wanted).mean() for model in (together, plain)]
    assert errors[0] < errors[1] / 2


def test_a_channel_without_weights_keeps_its_bias(rounding: ModuleType) -> None:
    model = network(1, True)
    scales = rounding.round_weights(model, ["conv"], smooth(8, 1))["w"]
    assert scales[-1] > 0
    assert not tensor(model, "w")[-1].any()
    assert tensor(model, "b")[-1] == 1
