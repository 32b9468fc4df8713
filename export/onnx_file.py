"""A torch module -> one ONNX file that says nothing of the machine it was made on."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Final

import onnx
import torch
from torch import Tensor, nn

OPSET: Final = 18


def write_onnx(
    module: nn.Module,
    example: Tensor,
    file: Path,
    input_name: str,
    output_names: Sequence[str],
    free_axes: Sequence[int],
) -> None:
    """Capture `module`, in the mode that it is in, as `file`.

    `example` is one input, its batch 2 or more: sizes of 0 and 1 would be taken as fixed.
    `free_axes` are the input's axes whose size may change; every other is fixed to `example`'s.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's own, about its own pytree
        torch.onnx.export(
            module,
            (example,),
            file,
            dynamo=True,
            opset_version=OPSET,
            input_names=[input_name],
            output_names=list(output_names),
            dynamic_shapes=(dict.fromkeys(free_axes, torch.export.Dim.DYNAMIC),),
            external_data=False,
            verbose=False,
        )
    _forget_the_exporter(file)


def _forget_the_exporter(file: Path) -> None:
    """Leave out the exporter's notes: stack traces, with the paths of this machine's files."""
    model = onnx.load(file)
    graph = model.graph
    values = (graph.input, graph.output, graph.value_info, graph.initializer)
    for noted in (model, graph, *graph.node, *chain.from_iterable(values)):
        del noted.metadata_props[:]
    for node in graph.node:
        node.doc_string = ""
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, file)
