"""ONNX -> a program compiled by Torch-TensorRT for this machine's GPU.

Written against the documented interface of torch-tensorrt 2.11 to 2.14; it imports only where
there is an NVIDIA driver, and no GPU has run it.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.export.passes import move_to_device_pass

from engines.package import installed_version
from engines.rtx_builder import profile_of
from engines.spec import ModelSpec
from engines.torch_tensorrt import FORMAT, load_runtime
from export.onnx_weights import load_network
from export.sources import derived, onnx_sources, written_whole
from export.torch_program import TOLERANCES, capture, difference

DEVICE: Final = "cuda:0"
DISTRIBUTIONS: Final = ("torch-tensorrt", "torch-tensorrt-rtx", "tensorrt", "tensorrt_rtx")


class FloatsFirst(nn.Module):  # type: ignore[misc]
    """`network` on bytes that become floats before all else: TensorRT moves no bytes about."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, given: Tensor) -> Sequence[Tensor]:
        """As the network."""
        outputs: Sequence[Tensor] = self.network(given.float())
        return outputs


def export_models(parsed: argparse.Namespace, out: Path) -> Iterator[str]:
    """Export what the command line asks for; give a line on each file.

    Raises: EngineUnavailable before anything is read or written; as `export.torch_program`.
    """
    runtime = load_runtime()
    precision = getattr(parsed, "precision", "fp32")
    if precision == "bf16":
        raise ValueError("torch-tensorrt computes in fp32 or fp16")
    parsed.precision = "fp32"
    with onnx_sources(parsed) as sources:
        for source in sources:
            spec, worst = export_compiled(runtime, source, out, half=precision == "fp16")
            yield f"wrote {out / spec.file}: at most {worst:.1e} from ONNX Runtime"


def export_compiled(
    runtime: Any, source: Path, out: Path, *, half: bool = False
) -> tuple[ModelSpec, float]:
    """Write ``NAME.trt.pt2`` and its spec, once ONNX Runtime agrees; also give the difference.

    `runtime` is the package. With `half`, TensorRT computes in float16 where that keeps the range.

    Raises: as `export_models`; whatever the compiler raises.
    """
    network, spec = load_network(source)
    with written_whole(spec, "pt2", out) as file:
        compile_network(runtime, network, spec, file, half=half)
        facts = {name: installed_version(name) for name in DISTRIBUTIONS}
        facts |= {"torch": torch.__version__, "gpu": torch.cuda.get_device_name(DEVICE)}
        built = replace(derived(spec, file, FORMAT, facts), precision="fp16" if half else "fp32")
        built.save(file.with_suffix(".json"))
        worst = difference(source, file.with_suffix(".json"), FORMAT, DEVICE)
        if not worst <= TOLERANCES["fp16" if half else "fp32"]:  # a NaN is not
            raise ValueError(f"{spec.name} differs by {worst:.1e} from ONNX Runtime")
    return built, worst


def compile_network(
    runtime: Any, network: nn.Module, spec: ModelSpec, file: Path, *, half: bool
) -> None:
    """Compile for the shapes that `engines.rtx_builder.profile_of` gives, and save."""
    tensor = spec.inputs[0]
    least, best, most = profile_of(spec)
    given = runtime.Input(
        min_shape=least, opt_shape=best, max_shape=most,
        dtype=getattr(torch, tensor.dtype), name=tensor.name,
    )  # fmt: skip
    program = capture(FloatsFirst(network), spec)
    program = move_to_device_pass(program, DEVICE)
    compiled = runtime.dynamo.compile(
        program,
        arg_inputs=[given],
        device=torch.device(DEVICE),
        disable_tf32=True,
        enable_autocast=half,
        autocast_low_precision_type=torch.float16 if half else None,
    )
    runtime.save(compiled, str(file), output_format="exported_program", arg_inputs=[given])
