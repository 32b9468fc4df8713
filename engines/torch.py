"""torch: programs of ``torch.export`` on the CPU or an NVIDIA GPU, eager or compiled."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from numpy.typing import NDArray

from engines.errors import EngineUnavailable, ModelMismatch
from engines.formats import check_format
from engines.opened import OpenedEngine
from engines.package import gpu_number, load_package
from engines.spec import REEXPORT, ModelSpec, TensorSpec
from engines.torch_graphs import CudaGraphs

NAME: Final = "torch"
FORMAT: Final = "torch"
INSTALL: Final = "pip install deepfakestream[torch]"

Call = Callable[[Any], Sequence[Any]]


@dataclass(frozen=True, slots=True)
class TorchOptions:
    """How a program is run, from its spec's `options`.

    `compile` has inductor make kernels at the first call, which takes up to minutes and, on the
    CPU, a C++ compiler. `channels_last` orders the weights of convolutions so. `cuda_graphs` counts
    on a GPU only, for models of fixed size.
    """

    compile: bool = False
    channels_last: bool = True
    cuda_graphs: bool = True

    @classmethod
    def of(cls, spec: ModelSpec, weights: Path) -> TorchOptions:
        """Those of a spec.

        Raises: ModelMismatch for one that does not exist.
        """
        try:
            return cls(**spec.options)
        except TypeError as exc:
            raise ModelMismatch(weights, f"its spec's options: {exc}", REEXPORT) from exc


class TorchEngine(OpenedEngine):
    """One exported program, on the CPU with `threads` threads or on a GPU.

    Half precision is autocast: weights stay float32, the spec's `precision` says what convolutions
    and dense layers compute in. float32 is really that: TensorFloat-32 is switched off for the
    process. Meets `engines.base.Engine`.

    Raises: EngineUnavailable without the package or the GPU; ModelMismatch for a file of another
    format, or that is not the program that `spec` describes.
    """

    name = NAME
    format = FORMAT

    def __init__(
        self,
        spec: ModelSpec,
        weights: Path,
        *,
        device: str,
        threads: int,
        cache: Path | None = None,
    ) -> None:
        del cache  # inductor keeps its own
        self._torch: Any = self._load_package(device)
        check_format(self.name, spec, weights, (self.format,))
        options = TorchOptions.of(spec, weights)
        super().__init__(spec, provider=self._runs(options), device=device)
        if device == "cpu":
            self._torch.set_num_threads(threads)
        else:
            self._torch.backends.cudnn.allow_tf32 = False
            self._torch.backends.cuda.matmul.allow_tf32 = False
        self._call: Call | None = self._callable(self._program(weights), options)

    def _load_package(self, device: str) -> Any:
        """Import torch, and see that it has the device.

        Raises: EngineUnavailable.
        """
        number = None if device == "cpu" else gpu_number(self.name, device)
        torch = load_package(self.name, "torch", needs="export", install=INSTALL, repair=INSTALL)
        if number is not None and number >= (count := torch.cuda.device_count()):
            problem = f"torch {torch.__version__} sees {count} GPUs, not {device}"
            raise EngineUnavailable(self.name, problem, "install NVIDIA's driver, or a CUDA build")
        return torch

    def _runs(self, options: TorchOptions) -> str:
        """What the provider is called."""
        return "torch inductor" if options.compile else "torch eager"

    def _program(self, weights: Path) -> Any:
        """Read the exported program, onto the device.

        Raises: ModelMismatch.
        """
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of torch, about torch's own reading
                program = self._torch.export.load(str(weights))
        except Exception as exc:  # zip, JSON and torch's own: no root but Exception
            why = next(iter(str(exc).splitlines()), repr(exc))
            raise ModelMismatch(weights, f"torch cannot read it ({why})", REEXPORT) from exc
        _check(program, self._spec, weights)
        return program if self._device == "cpu" else moved(program, self._device)

    def _callable(self, program: Any, options: TorchOptions) -> Call:
        torch = self._torch
        # Sizes are checked before; torch's guards refuse a level of which one cell is left.
        module = program.module(check_guards=False)
        fixed = all(isinstance(side, int) for side in self._spec.inputs[0].shape[1:])
        graphs = options.cuda_graphs and fixed and self._device != "cpu"
        if options.channels_last:
            module = module.to(memory_format=torch.channels_last)
        call: Call = module
        if options.compile:
            mode = "reduce-overhead" if graphs else "default"
            call = torch.compile(module, dynamic=not graphs, mode=mode)
        elif graphs:
            call = CudaGraphs(torch, self._autocasting(module))
        return call

    def _autocasting(self, call: Call) -> Call:
        def within(given: Any) -> Sequence[Any]:
            with self._autocast():
                return call(given)

        return within

    def _autocast(self) -> AbstractContextManager[Any]:
        dtypes = {"fp16": self._torch.float16, "bf16": self._torch.bfloat16}
        if self._spec.precision not in dtypes:
            return nullcontext()
        kind = self._device.partition(":")[0]
        context: AbstractContextManager[Any] = self._torch.autocast(
            kind, dtype=dtypes[self._spec.precision]
        )
        return context

    def _run(self, values: NDArray[Any]) -> Sequence[NDArray[Any]]:
        torch = self._torch
        assert self._call is not None
        # torch wants memory that it may write to, and never does.
        given = torch.from_numpy(values if values.flags.writeable else values.copy())
        with torch.inference_mode(), self._autocast():
            results = self._call(given.to(self._device))
        return [result.float().cpu().numpy() for result in results]

    def _release(self) -> None:
        self._call = None


def moved(program: Any, device: str) -> Any:
    """The program with its weights and the tensors that it makes on `device`."""
    return import_module("torch.export.passes").move_to_device_pass(program, device)


def _check(program: Any, spec: ModelSpec, weights: Path) -> None:
    """Compare the program's own shapes and types with the spec's.

    Raises: ModelMismatch.
    """
    nodes = {node.name: node.meta.get("val") for node in program.graph.nodes}
    signature = program.graph_signature
    for kind, names, tensors in (
        ("inputs", signature.user_inputs, spec.inputs),
        ("outputs", signature.user_outputs, spec.outputs),
    ):
        actual = [_described(nodes[name]) for name in names]
        expected = [_expected(tensor) for tensor in tensors]
        if actual != expected:
            problem = f"its {kind} are {actual}, its spec says {expected}"
            raise ModelMismatch(weights, problem, REEXPORT)


def _described(value: Any) -> tuple[str, tuple[int, ...]]:
    return str(value.dtype).removeprefix("torch."), _sizes(value.shape)


def _expected(tensor: TensorSpec) -> tuple[str, tuple[int, ...]]:
    return tensor.dtype, _sizes(tensor.shape)


def _sizes(shape: Sequence[Any]) -> tuple[int, ...]:
    """-1 for a free size."""
    return tuple(side if isinstance(side, int) else -1 for side in shape)
