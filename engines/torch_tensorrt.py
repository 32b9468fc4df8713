"""Torch-TensorRT: programs compiled ahead of time for the GPU that they run on.

Written against the documented interface of torch-tensorrt 2.11 to 2.14 (``compile``, ``save``,
``load``), which imports only where there is an NVIDIA driver; no GPU has run it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from engines.errors import ModelMismatch
from engines.package import gpu_number, load_package
from engines.spec import REEXPORT
from engines.torch import Call, TorchEngine, TorchOptions
from engines.torch_graphs import CudaGraphs

NAME: Final = "torch-tensorrt"
FORMAT: Final = "torch-tensorrt"
INSTALL: Final = "pip install deepfakestream[torch-tensorrt-rtx], or [torch-tensorrt]"
REPAIR: Final = "install NVIDIA's driver first: the package loads only with it; then " + INSTALL


class TorchTensorRtEngine(TorchEngine):
    """One compiled program on one GPU, opened as it was saved: nothing is built here.

    Its precision and its sizes were fixed at the export. Meets `engines.base.Engine`.

    Raises: as `TorchEngine`.
    """

    name = NAME
    format = FORMAT

    def _load_package(self, device: str) -> Any:
        gpu_number(self.name, device)
        load_runtime()
        return super()._load_package(device)

    def _runs(self, options: TorchOptions) -> str:
        del options
        return "Torch-TensorRT"

    def _program(self, weights: Path) -> Any:
        try:
            with self._torch.cuda.device(self._device):
                return load_runtime().load(str(weights))
        except Exception as exc:  # torch's, TensorRT's and zip's: no root but Exception
            why = next(iter(str(exc).splitlines()), repr(exc))
            raise ModelMismatch(
                weights, f"Torch-TensorRT cannot open it ({why})", REEXPORT
            ) from exc

    def _callable(self, program: Any, options: TorchOptions) -> Call:
        module: Call = program.module(check_guards=False)
        fixed = all(isinstance(side, int) for side in self._spec.inputs[0].shape[1:])
        return CudaGraphs(self._torch, module) if options.cuda_graphs and fixed else module


def load_runtime() -> Any:
    """Import the package; either distribution gives the same module.

    Raises: EngineUnavailable.
    """
    return load_package(NAME, "torch_tensorrt", needs="compile", install=INSTALL, repair=REPAIR)
