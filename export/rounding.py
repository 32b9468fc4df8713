"""Weights in whole numbers: each rounding error is made good by the weights not yet rounded.

Frantar et al., "GPTQ" (ICLR 2023), which is Hassibi & Stork's "Optimal Brain Surgeon" (1993) for
rounding. What an error does to a layer's output hangs on what its inputs have in common, so these
are measured on faces; the error's mean goes into the bias (Nagel et al., "Data-Free Quantization",
ICCV 2019).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import onnx
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from onnxruntime import InferenceSession

LARGEST: Final = 127
DAMPING: Final = 1e-3
"""Of the mean variance: inputs that are never seen to vary must not get weights without limit."""
LEAST_SCALE: Final = 1e-4
"""Of the layer's largest: a channel without weights has a bias still, in steps of the scale."""
PLACES: Final = 64
"""Places of each picture that a layer's inputs are taken from."""
AT_ONCE: Final = 8

Floats = NDArray[np.float64]
Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Inputs:
    """What the weights of a convolution are multiplied with: for each of G groups, mean (G, K)
    and covariance (G, K, K) of its K inputs.
    """

    mean: Floats
    covariance: Floats

    @property
    def second_moment(self) -> Floats:
        """The same about zero, (G, K, K)."""
        return self.covariance + self.mean[:, :, None] * self.mean[:, None, :]


def round_weights(model: Any, layers: Sequence[str], crops: Pixels) -> dict[str, Floats]:
    """Round the weights of the convolutions `layers` in place; give each weight's scales (O,).

    `model` is an `onnx.ModelProto` with one input of crops (N, H, W, 3). Its weights are then
    whole multiples, at most 127, of their output channel's scale, still in float.
    """
    nodes = [node for node in model.graph.node if node.name in set(layers)]
    found = inputs_of(model, nodes, crops)
    tensors = {tensor.name: tensor for tensor in model.graph.initializer}
    scales = {}
    for node in nodes:
        weight = numpy_helper.to_array(tensors[node.input[1]]).astype(np.float64)
        scale = scales[node.input[1]] = _scale(weight)
        inputs = found[node.name]
        has_bias = len(node.input) > 2
        whole = rounded(weight, scale, inputs.covariance if has_bias else inputs.second_moment)
        new = whole * scale[:, None, None, None]
        _put(tensors[node.input[1]], new)
        if has_bias:
            bias = numpy_helper.to_array(tensors[node.input[2]])
            _put(tensors[node.input[2]], bias + _mean_output(weight - new, inputs.mean))
    return scales


def rounded(weight: Floats, scale: Floats, moments: Floats) -> Floats:
    """Give weights (O, …) as multiples of their output channel's scale (O,), whole numbers.

    The weights of the inputs that vary most are rounded first, while there are others to make
    their errors good. `moments` (G, K, K) are those of the inputs.
    """
    groups, size, _ = moments.shape
    order = np.argsort(-np.diagonal(moments, axis1=1, axis2=2), axis=1)
    left = np.take_along_axis(weight.reshape(groups, -1, size), order[:, None, :], 2)
    step = scale.reshape(groups, -1)
    factor = _factor(moments, order)
    whole = np.zeros_like(left)
    for at in range(size):
        whole[..., at] = np.clip(np.rint(left[..., at] / step), -LARGEST, LARGEST)
        error = (left[..., at] - whole[..., at] * step) / factor[:, None, at, at]
        left[..., at + 1 :] -= error[..., None] * factor[:, None, at, at + 1 :]
    result = np.empty_like(whole)
    np.put_along_axis(result, np.broadcast_to(order[:, None, :], whole.shape), whole, 2)
    return result.reshape(weight.shape)


def inputs_of(model: Any, nodes: Sequence[Any], crops: Pixels) -> dict[str, Inputs]:
    """Run the model and give the inputs of each of the convolutions, by its name."""
    names = sorted({node.input[0] for node in nodes})
    shown = onnx.ModelProto()
    shown.CopyFrom(model)
    outputs = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in names]
    shown.graph.output.extend(outputs)
    session = InferenceSession(shown.SerializeToString(), providers=["CPUExecutionProvider"])
    entry = model.graph.input[0].name
    sides = {tensor.name: tuple(tensor.dims[2:]) for tensor in model.graph.initializer}
    sums: dict[str, tuple[Any, Any, int]] = {}
    rng = np.random.default_rng(0)
    for at in range(0, len(crops), AT_ONCE):
        maps = dict(zip(names, session.run(names, {entry: crops[at : at + AT_ONCE]}), strict=True))
        for node in nodes:
            seen = _patches(maps[node.input[0]], node, sides[node.input[1]], rng)
            total, products, count = sums.get(node.name, (0.0, 0.0, 0))
            sums[node.name] = (
                total + seen.sum(1),
                products + seen.transpose(0, 2, 1) @ seen,
                count + seen.shape[1],
            )
    return {name: _inputs(*each) for name, each in sums.items()}


def _inputs(total: Floats, products: Floats, count: int) -> Inputs:
    mean = total / count
    return Inputs(mean, products / count - mean[:, :, None] * mean[:, None, :])


def _patches(
    maps: NDArray[np.float32], node: Any, sides: tuple[int, int], rng: np.random.Generator
) -> Floats:
    """What a convolution's weights meet at some places: (G, N * places, K)."""
    height, width = sides
    given = {each.name: helper.get_attribute_value(each) for each in node.attribute}
    top, left, bottom, right = given.get("pads", (0, 0, 0, 0))
    down, across = given.get("strides", (1, 1))
    padded = np.pad(maps, ((0, 0), (0, 0), (top, bottom), (left, right)))
    windows = sliding_window_view(padded, (height, width), (2, 3))[:, :, ::down, ::across]
    rows, columns = windows.shape[2:4]
    places = rng.choice(rows * columns, min(rows * columns, PLACES), replace=False)
    taken = windows[:, :, places // columns, places % columns].astype(np.float64)
    groups = given.get("group", 1)
    count, channels = taken.shape[:2]
    by_group = taken.reshape(count, groups, channels // groups, len(places), height * width)
    size = channels // groups * height * width
    return by_group.transpose(1, 0, 3, 2, 4).reshape(groups, count * len(places), size)


def _factor(moments: Floats, order: NDArray[np.intp]) -> Floats:
    """Give the upper Cholesky factor of the inverse of the moments, taken in `order`."""
    own = np.take_along_axis(moments, order[:, :, None], 1)
    own = np.take_along_axis(own, order[:, None, :], 2)
    diagonal = np.arange(own.shape[1])
    mean = own[:, diagonal, diagonal].mean(1, keepdims=True)
    own[:, diagonal, diagonal] += DAMPING * mean + np.finfo(np.float32).eps
    return np.asarray(np.linalg.cholesky(np.linalg.inv(own)).transpose(0, 2, 1))


def _scale(weight: Floats) -> Floats:
    largest = np.abs(weight).reshape(len(weight), -1).max(1)
    return np.asarray(np.maximum(largest, LEAST_SCALE * largest.max()) / LARGEST)


def _mean_output(weight: Floats, mean: Floats) -> Floats:
    """What weights (O, …) make of the mean inputs (G, K): (O,)."""
    grouped = weight.reshape(len(mean), -1, mean.shape[1])
    return np.asarray((grouped * mean[:, None, :]).sum(2).reshape(-1))


def _put(tensor: Any, values: Floats) -> None:
    tensor.CopyFrom(numpy_helper.from_array(np.asarray(values, np.float32), tensor.name))
