"""ONNX -> a program of ``torch.export``, compared with ONNX Runtime before it is written."""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import torch
from torch import nn

from engines.canary import canary_picture
from engines.spec import ModelSpec
from engines.table import open_engine
from engines.torch import FORMAT
from export.onnx_weights import load_network
from export.parity import demo_crops
from export.sources import derived, onnx_sources, written_whole

Precision = Literal["fp32", "fp16", "bf16"]

TOLERANCES: Final[Mapping[Precision, float]] = {"fp32": 1e-3, "fp16": 0.1, "bf16": 0.5}
"""Largest allowed difference of any output from ONNX Runtime's. Half precision moves logits."""
SAMPLES: Final = (1, 2, 5)


def export_models(parsed: argparse.Namespace, out: Path) -> Iterator[str]:
    """Export what the command line asks for; give a line on each file.

    Raises: ModelMismatch, ValueError when the program computes something else, OSError; as
    `export.detector.export_detector` for a checkpoint.
    """
    precision: Precision = getattr(parsed, "precision", "fp32")
    parsed.precision = "fp32"  # the weights' own; half precision is how they are run
    options = {"compile": parsed.compile}
    with onnx_sources(parsed) as sources:
        for source in sources:
            spec, worst = export_program(source, out, precision, options)
            yield f"wrote {out / spec.file}: at most {worst:.1e} from ONNX Runtime"


def export_program(
    source: Path, out: Path, precision: Precision = "fp32", options: Mapping[str, Any] | None = None
) -> tuple[ModelSpec, float]:
    """Write ``NAME.pt2`` and ``NAME.json`` to `out`; also give the largest difference found.

    `options` are those of `engines.torch.TorchOptions`.

    Raises: as `export_models`.
    """
    network, spec = load_network(source)
    with written_whole(spec, "pt2", out) as file:
        write_program(network, spec, file)
        built = derived(spec, file, FORMAT, {"torch": torch.__version__})
        built = replace(built, precision=precision, options=dict(options or {}))
        built.save(file.with_suffix(".json"))
        worst = difference(source, file.with_suffix(".json"), FORMAT)
        if not worst <= TOLERANCES[precision]:  # a NaN is not
            allowed = f"{TOLERANCES[precision]:g} is allowed"
            raise ValueError(f"{spec.name} differs by {worst:.1e} from ONNX Runtime, {allowed}")
    return built, worst


def write_program(network: nn.Module, spec: ModelSpec, file: Path) -> None:
    """Capture the network with the spec's free sizes; nothing in it tells of this machine."""
    program = capture(network, spec)
    for node in list(program.graph.nodes):
        if node.target is torch.ops.aten._assert_tensor_metadata.default:
            program.graph.erase_node(node)  # it asserts float32, which autocast changes
            continue
        for note in ("stack_trace", "nn_module_stack", "source_fn_stack", "torch_fn"):
            node.meta.pop(note, None)
    torch.export.save(program, file)


def capture(network: nn.Module, spec: ModelSpec) -> Any:
    """Give the network as an exported program."""
    tensor = spec.inputs[0]
    free = [place for place, side in enumerate(tensor.shape) if isinstance(side, str)]
    # Sizes of 0 and 1 would be taken as fixed, and two that are equal as one.
    sizes = [2 + 62 * place if place in free else side for place, side in enumerate(tensor.shape)]
    example = torch.zeros(sizes, dtype=getattr(torch, tensor.dtype))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's own, about its own pytree
        shapes = (dict.fromkeys(free, torch.export.Dim.DYNAMIC),)
        return torch.export.export(network, (example,), dynamic_shapes=shapes)


def difference(source: Path, exported: Path, engine: str, device: str = "cpu") -> float:
    """The largest difference of any output between ONNX Runtime and `engine`, on the canary's
    picture and pieces of the demo, in batches of several sizes; NaN where one is.

    Raises: EngineError.
    """
    worst = 0.0
    with (
        open_engine("onnxruntime", source) as reference,
        open_engine(engine, exported, device=device) as other,
    ):
        picture = canary_picture(reference.spec)
        pieces = demo_crops(max(picture.shape[1:3]), max(SAMPLES))
        pieces = pieces[:, : picture.shape[1], : picture.shape[2]]
        for pixels in (picture, *(pieces[:count] for count in SAMPLES)):
            found, expected = other.infer(pixels), reference.infer(pixels)
            gaps = [float(np.abs(found[name] - expected[name]).max()) for name in expected]
            worst = float(np.max([worst, *gaps]))
    return worst
