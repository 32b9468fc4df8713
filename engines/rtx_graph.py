"""What TensorRT for RTX cannot parse as ONNX says it, said otherwise: the same numbers come out."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from engines.package import load_package

ENGINE: Final = "tensorrt-rtx"
INSTALL: Final = "pip install deepfakestream[tensorrt-rtx]"
AXES: Final = "dense_axes"


def buildable(file: Path, *, dense_as_convolution: bool) -> bytes:
    """Give the ONNX model in `file` in the operations that the builder takes.

    Bytes become floats before anything else happens to them: it knows uint8 only as the input of
    a cast. With `dense_as_convolution` each dense layer becomes a convolution of 1×1, since it has
    no float32 product of matrices for compute capability 7.5.

    Raises: EngineUnavailable without the package onnx; whatever onnx raises for another file.
    """
    onnx = load_package(ENGINE, "onnx", needs="load", install=INSTALL, repair=INSTALL)
    model = onnx.load(str(file))
    _floats_first(onnx, model.graph)
    if dense_as_convolution:
        _convolutions(onnx, model.graph)
    del model.graph.value_info[:]  # the types within, as they were
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def _floats_first(onnx: Any, graph: Any) -> None:
    for tensor in graph.input:
        if tensor.type.tensor_type.elem_type != onnx.TensorProto.UINT8:
            continue
        floats = f"{tensor.name}_floats"
        for node in graph.node:
            for place, name in enumerate(node.input):
                if name == tensor.name:
                    node.input[place] = floats
        cast = onnx.helper.make_node("Cast", [tensor.name], [floats], to=onnx.TensorProto.FLOAT)
        graph.node.insert(0, cast)


def _convolutions(onnx: Any, graph: Any) -> None:
    helper, arrays = onnx.helper, onnx.numpy_helper
    weights = {tensor.name: tensor for tensor in graph.initializer}
    nodes = []
    for node in graph.node:
        if node.op_type != "Gemm" or not _is_dense(node):
            nodes.append(node)
            continue
        given, weight, bias = node.input
        (result,) = node.output
        kernel = arrays.to_array(weights[weight])[:, :, None, None]
        graph.initializer.append(arrays.from_array(kernel, f"{result}_kernel"))
        picture, map_ = f"{result}_picture", f"{result}_map"
        nodes += [
            helper.make_node("Unsqueeze", [given, AXES], [picture]),
            helper.make_node("Conv", [picture, f"{result}_kernel", bias], [map_]),
            helper.make_node("Squeeze", [map_, AXES], [result]),
        ]
    del graph.node[:]
    graph.node.extend(nodes)
    graph.initializer.append(helper.make_tensor(AXES, onnx.TensorProto.INT64, [2], [2, 3]))


def _is_dense(gemm: Any) -> bool:
    """Whether it is x·Wᵀ + b, as a dense layer is exported, with no factors."""
    values = {item.name: item.i if item.type == 2 else item.f for item in gemm.attribute}
    factors = (values.get("alpha", 1.0), values.get("beta", 1.0))
    return len(gemm.input) == 3 and values.get("transB") == 1 and factors == (1.0, 1.0)
