"""TensorRT for RTX: GeForce, RTX and RTX PRO GPUs, from engines built ahead of time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engines.build_cache import BuildCache
from engines.cuda import Buffer, CudaError, Gpu
from engines.errors import EngineUnavailable, InferenceFailed, ModelMismatch
from engines.formats import check_format
from engines.opened import OpenedEngine
from engines.package import gpu_number
from engines.rtx_builder import FORMAT, collecting_logger, load_rtx
from engines.rtx_graph import ENGINE, INSTALL
from engines.rtx_header import CAPABILITIES
from engines.rtx_store import KernelStore, engine_for
from engines.spec import REEXPORT, ModelSpec

PROVIDER: Final = "TensorRT-RTX"
MEMORY: Final = "free some of the GPU's memory, or choose another device"


class TensorRtRtxEngine(OpenedEngine):
    """One model on one RTX GPU: a built engine, or an ONNX model that is built first, in a second.

    Kernels are compiled for the GPU while it runs, and kept in `cache`. Batches are filled up to
    the next power of two, so that a CUDA graph serves each size; those of more than the profile's
    most go in parts. A model with free sides has neither graphs nor kernels of its own for each
    size: pictures come in any size, and both would grow without end. Meets `engines.base.Engine`.

    Raises: EngineUnavailable without the packages, a driver or an RTX GPU; ModelMismatch for a
    file of another format, or an engine that another release or for other GPUs was built.
    """

    def __init__(
        self,
        spec: ModelSpec,
        weights: Path,
        *,
        device: str,
        threads: int,
        cache: Path | None = None,
    ) -> None:
        del threads  # the processor only waits
        check_format(ENGINE, spec, weights, (FORMAT, "onnx"))
        number = gpu_number(ENGINE, device)
        rtx = load_rtx()
        super().__init__(spec, provider=PROVIDER, device=device)
        self._gpu = Gpu(ENGINE, number, install=INSTALL)
        with ExitStack() as opened:
            opened.callback(self._gpu.close)
            try:
                self._open(rtx, weights, BuildCache(cache, ENGINE) if cache else None)
            except CudaError as exc:
                raise EngineUnavailable(ENGINE, str(exc), MEMORY) from exc
            opened.pop_all()

    def _open(self, rtx: Any, weights: Path, cache: BuildCache | None) -> None:
        _check_capability(self._gpu)
        self._logger = collecting_logger(rtx)
        self._runtime = rtx.Runtime(self._logger)
        serialized = engine_for(
            rtx, self._runtime, self._spec, weights, capability=self._gpu.capability, cache=cache
        )
        self._engine: Any = self._runtime.deserialize_cuda_engine(serialized)
        if self._engine is None:
            raise ModelMismatch(weights, f"it cannot be opened ({_last(self._logger)})", REEXPORT)
        _check_tensors(rtx, self._engine, self._spec, weights)
        self._input = self._spec.inputs[0].name
        most = self._engine.get_tensor_profile_shape(self._input, 0)[2]
        self._most = tuple(most)
        self._free = any(isinstance(side, str) for side in self._spec.inputs[0].shape[1:])
        self._kernels = KernelStore(rtx, self._spec, self._gpu, cache)
        self._context: Any = self._engine.create_execution_context(self._config(rtx))
        if self._context is None:
            raise EngineUnavailable(ENGINE, _last(self._logger), MEMORY)
        self._buffers = self._make_buffers()

    def _config(self, rtx: Any) -> Any:
        config = self._engine.create_runtime_config()
        strategy = rtx.DynamicShapesKernelSpecializationStrategy
        graphs = rtx.CudaGraphStrategy
        if self._free:
            config.dynamic_shapes_kernel_specialization_strategy = strategy.NONE
            config.cuda_graph_strategy = graphs.DISABLED
        else:
            config.dynamic_shapes_kernel_specialization_strategy = strategy.LAZY
            config.cuda_graph_strategy = graphs.WHOLE_GRAPH_CAPTURE
        self._kernels.attach(config)
        return config

    def _make_buffers(self) -> dict[str, Buffer]:
        """Room for the largest call: addresses that never change are what a CUDA graph needs."""
        self._context.set_input_shape(self._input, self._most)
        itemsize = np.dtype(self._spec.inputs[0].dtype).itemsize
        sizes = {self._input: itemsize * math.prod(self._most)}
        for tensor in self._spec.outputs:
            sizes[tensor.name] = 4 * math.prod(self._context.get_tensor_shape(tensor.name))
        buffers = {name: self._gpu.buffer(size) for name, size in sizes.items()}
        for name, buffer in buffers.items():
            self._context.set_tensor_address(name, buffer.address)
        return buffers

    def _run(self, values: NDArray[Any]) -> Sequence[NDArray[Any]]:
        self._gpu.select()
        most = self._most[0]
        parts = [self._part(values[at : at + most]) for at in range(0, len(values), most)]
        return [np.concatenate(part) for part in zip(*parts, strict=True)]

    def _part(self, values: NDArray[Any]) -> list[NDArray[Any]]:
        count = len(values)
        shape = (filled_up(count, self._most[0]), *values.shape[1:])
        if any(side > most for side, most in zip(shape, self._most, strict=True)):
            problem = f"an input of {shape} is more than the {self._most} that it was built for"
            raise InferenceFailed(self._spec.name, problem)
        if not self._context.set_input_shape(self._input, shape):
            raise InferenceFailed(self._spec.name, _last(self._logger))
        room = values[0].nbytes * shape[0]
        self._gpu.upload(self._buffers[self._input], values, room=room)
        if not self._context.execute_async_v3(self._gpu.stream):
            raise InferenceFailed(self._spec.name, _last(self._logger))
        results = [self._result(tensor.name) for tensor in self._spec.outputs]
        self._gpu.wait()
        return [result[:count].copy() for result in results]

    def _result(self, name: str) -> NDArray[np.float32]:
        shape = tuple(self._context.get_tensor_shape(name))
        return self._gpu.download(self._buffers[name], shape)

    def _release(self) -> None:
        self._gpu.select()
        self._kernels.save()
        self._context = self._engine = self._runtime = None
        self._gpu.close()


def filled_up(count: int, most: int) -> int:
    """The next power of two, `most` if that is less: few sizes, so few CUDA graphs."""
    return min(1 << (count - 1).bit_length(), most)


def _check_capability(gpu: Gpu) -> None:
    if gpu.capability not in CAPABILITIES:
        problem = (
            f"{gpu.name} has compute capability {gpu.capability}, TensorRT for RTX takes "
            + ", ".join(CAPABILITIES)
        )
        raise EngineUnavailable(ENGINE, problem, "use --engine onnxruntime-tensorrt")


def _check_tensors(rtx: Any, engine: Any, spec: ModelSpec, weights: Path) -> None:
    names = [engine.get_tensor_name(index) for index in range(engine.num_io_tensors)]
    actual = {name: _type_and_shape(rtx, engine, name) for name in names}
    tensors = (*spec.inputs, *spec.outputs)
    expected = {tensor.name: (tensor.dtype, _sizes(tensor.shape)) for tensor in tensors}
    if actual != expected:
        raise ModelMismatch(weights, f"it has {actual}, its spec says {expected}", REEXPORT)


def _type_and_shape(rtx: Any, engine: Any, name: str) -> tuple[str, tuple[int, ...]]:
    dtype = np.dtype(rtx.nptype(engine.get_tensor_dtype(name))).name
    return dtype, tuple(engine.get_tensor_shape(name))


def _sizes(shape: Sequence[int | str]) -> tuple[int, ...]:
    return tuple(-1 if isinstance(side, str) else side for side in shape)


def _last(logger: Any) -> str:
    return str(logger.complaints[-1]) if logger.complaints else "the runtime gives no reason"
