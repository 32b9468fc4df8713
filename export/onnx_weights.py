"""ONNX files of this project -> the torch networks that they came from, weights and all.

The weights that ship are ONNX only. Their tensors bear the names of torch's parameters, save
what the exporter folded: batch norms that follow a convolution, PReLU's slopes, a softplus.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from engines.errors import ModelMismatch
from engines.spec import ModelSpec
from export.mtcnn_networks import ONet, PNet, RNet
from export.sources import onnx_spec
from training.network import Detector, NetworkConfig

Arrays = Mapping[str, NDArray[Any]]

MTCNN: Final = {"pnet": PNet, "rnet": RNet, "onet": ONet}
REMEDY: Final = "export it anew with `python -m export`, in fp32"
FOLDED: Final = "weight_bias"
"""How the exporter names the bias that a folded batch norm leaves in a convolution."""


def load_network(source: Path) -> tuple[nn.Module, ModelSpec]:
    """Give the network of the ONNX model whose spec is `source`, in evaluation mode, and the spec.

    Raises: ModelMismatch when the file is damaged, or holds another network than its spec says.
    """
    spec = onnx_spec(source)
    weights = spec.verify(source)
    if spec.precision != "fp32":
        raise ModelMismatch(weights, f"its precision is {spec.precision}, not fp32", REMEDY)
    model = onnx.load(weights)
    arrays = {item.name: onnx.numpy_helper.to_array(item) for item in model.graph.initializer}
    try:
        network = _mtcnn(spec, arrays, model) if spec.name in MTCNN else _detector(spec, arrays)
    except (KeyError, TypeError, ValueError, RuntimeError) as exc:
        problem = f"its weights are not those of its network ({str(exc).splitlines()[0]})"
        raise ModelMismatch(weights, problem, REMEDY) from exc
    return network.eval().requires_grad_(False), spec


def _detector(spec: ModelSpec, arrays: Arrays) -> nn.Module:
    network = Detector(NetworkConfig(**spec.provenance["network"]))
    _fold(network, arrays)
    state: dict[str, Tensor] = {}
    for name in network.state_dict():
        if name.endswith("num_batches_tracked"):
            continue
        if name == "sharpness":
            # softplus is all that the network takes of it, and all that the file keeps.
            softplus = float(arrays["softplus"])
            state[name] = torch.tensor(float(np.log(np.expm1(softplus))))
            continue
        kept = f"{name.removesuffix('bias')}{FOLDED}" if name.endswith(".bias") else name
        state[name] = _tensor(arrays[kept] if kept in arrays else arrays[name])
    network.load_state_dict(state, strict=False)
    return network


def _fold(network: nn.Module, arrays: Arrays) -> None:
    """Give convolutions the biases of their batch norms, and leave these only their activation."""
    for name, module in list(network.named_modules()):
        if isinstance(module, nn.Conv2d) and f"{name}.{FOLDED}" in arrays:
            module.bias = nn.Parameter(torch.zeros(module.out_channels))
        if isinstance(module, nn.BatchNorm2d) and f"{name}.running_mean" not in arrays:
            network.set_submodule(name, getattr(module, "act", nn.Identity()))


def _mtcnn(spec: ModelSpec, arrays: Arrays, model: Any) -> nn.Module:
    network = MTCNN[spec.name]()
    products = (node.input[0] for node in model.graph.node if node.op_type == "Mul")
    slopes = [arrays[given].reshape(-1) for given in products if given.startswith("view")]
    state = {key: arrays[key] for key in network.state_dict() if not key.startswith("prelu")}
    rest = [key for key in network.state_dict() if key.startswith("prelu")]
    state |= dict(zip(rest, slopes, strict=True))
    network.load_state_dict({key: _tensor(value) for key, value in state.items()})
    return network


def _tensor(array: NDArray[Any]) -> Tensor:
    return torch.from_numpy(array.copy())
