"""Stand-ins for a GPU: CUDA's runtime over this machine's memory, and TensorRT for RTX's runtime
over ONNX Runtime, reading and writing at the addresses that it was given.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from engines.rtx_builder import profile_of
from engines.spec import ModelSpec, TensorSpec

NO_DRIVER = 35
OUT_OF_MEMORY = 2
STREAM = 77
TEXTS = {
    NO_DRIVER: b"CUDA driver version is insufficient for CUDA runtime version",
    OUT_OF_MEMORY: b"out of memory",
}


class FakeCuda(ModuleType):
    """`cuda.bindings.runtime` with one device; `fails` maps a function to the status it gives."""

    def __init__(self, name: str = "Fake RTX", capability: str = "8.6") -> None:
        super().__init__("cuda.bindings.runtime")
        major, _, minor = capability.partition(".")
        self.about = SimpleNamespace(name=name.encode() + b"\0" * 9, major=major, minor=minor)
        self.fails: dict[str, int] = {}
        self.held: dict[int, Any] = {}
        self.streams = 0
        self.cudaMemcpyKind = SimpleNamespace(cudaMemcpyHostToDevice=1, cudaMemcpyDeviceToHost=2)
        functions: dict[str, Callable[..., tuple[Any, ...]]] = {
            "cudaGetDeviceCount": lambda: (1,),
            "cudaSetDevice": self._select,
            "cudaGetDeviceProperties": lambda number: (self.about,),
            "cudaDriverGetVersion": lambda: (13020,),
            "cudaStreamCreate": self._make_stream,
            "cudaStreamSynchronize": lambda stream: (),
            "cudaStreamDestroy": self._destroy_stream,
            "cudaMalloc": self._take,
            "cudaMallocHost": self._take,
            "cudaFree": self._give_back,
            "cudaFreeHost": self._give_back,
            "cudaMemcpyAsync": self._copy,
        }
        for name, does in functions.items():
            setattr(self, name, self._function(name, does))

    def cudaGetErrorString(self, status: int) -> tuple[int, bytes]:  # noqa: N802  CUDA's name
        return 0, TEXTS.get(status, b"unknown error")

    def _function(self, name: str, does: Callable[..., tuple[Any, ...]]) -> Any:
        def call(*arguments: Any) -> tuple[Any, ...]:
            if status := self.fails.get(name):
                return status, None
            return 0, *does(*arguments)

        return call

    def _select(self, number: int) -> tuple[()]:
        assert number == 0
        return ()

    def _make_stream(self) -> tuple[int]:
        self.streams += 1
        return (STREAM,)

    def _destroy_stream(self, stream: int) -> tuple[()]:
        assert stream == STREAM
        self.streams -= 1
        return ()

    def _take(self, size: int) -> tuple[int]:
        memory = (ctypes.c_uint8 * size)()
        self.held[ctypes.addressof(memory)] = memory
        return (ctypes.addressof(memory),)

    def _give_back(self, address: int) -> tuple[()]:
        del self.held[address]
        return ()

    def _copy(self, to: int, source: int, size: int, kind: int, stream: int) -> tuple[()]:
        assert (kind, stream) in {(1, STREAM), (2, STREAM)}
        ctypes.memmove(to, source, size)
        return ()


class FakeRtx(ModuleType):
    """`tensorrt_rtx` whose builder is the real one and whose runtime runs `model` on the CPU."""

    def __init__(self, real: ModuleType, spec: ModelSpec, model: bytes) -> None:
        super().__init__("tensorrt_rtx")
        self.__dict__.update({k: v for k, v in vars(real).items() if not k.startswith("_")})
        self.__version__ = real.__dict__["__version__"]
        self.spec, self.model = spec, model
        self.validity: tuple[Any, int] = (real.__dict__["EngineValidity"].VALID, 0)
        self.kernels = b"kernels of this GPU"
        self.offered: list[bytes] = []
        self.shapes: list[tuple[int, ...]] = []
        self.config = SimpleNamespace(
            create_runtime_cache=lambda: SimpleNamespace(
                deserialize=self._offer, serialize=lambda: self.kernels
            ),
            set_runtime_cache=lambda cache: True,
        )
        self.nptype = lambda dtype: dtype
        self.Runtime = lambda logger: SimpleNamespace(
            get_engine_validity=lambda engine: self.validity,
            deserialize_cuda_engine=lambda engine: FakeEngine(self),
        )

    def _offer(self, kernels: bytes) -> bool:
        self.offered.append(kernels)
        return kernels == self.kernels


class FakeEngine:
    """An opened engine and its only context."""

    def __init__(self, rtx: FakeRtx) -> None:
        self._rtx = rtx
        self._tensors = {t.name: t for t in (*rtx.spec.inputs, *rtx.spec.outputs)}
        self._session = onnxruntime.InferenceSession(rtx.model, providers=["CPUExecutionProvider"])
        self._shape: tuple[int, ...] = ()
        self._addresses: dict[str, int] = {}
        self.num_io_tensors = len(self._tensors)
        self.create_runtime_config = lambda: rtx.config

    def get_tensor_name(self, index: int) -> str:
        return list(self._tensors)[index]

    def get_tensor_dtype(self, name: str) -> str:
        return self._tensors[name].dtype

    def get_tensor_profile_shape(self, name: str, profile: int) -> Any:
        return profile_of(self._rtx.spec)

    def create_execution_context(self, config: Any) -> FakeEngine:
        return self

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        """The engine's own until an input's shape is set, as its context's are from then on."""
        tensor = self._tensors[name]
        if not self._shape:
            return tuple(-1 if isinstance(side, str) else side for side in tensor.shape)
        return self._shape if tensor in self._rtx.spec.inputs else self._output(tensor)

    def _output(self, tensor: TensorSpec) -> tuple[int, ...]:
        rows, columns = (-(-(side - 2) // 2) - 4 for side in self._shape[2:])  # P-Net's
        sizes = {"batch": self._shape[0], "rows": rows, "columns": columns}
        return tuple(sizes[side] if isinstance(side, str) else side for side in tensor.shape)

    def set_input_shape(self, name: str, shape: tuple[int, ...]) -> bool:
        self._shape = tuple(shape)
        return True

    def set_tensor_address(self, name: str, address: int) -> None:
        self._addresses[name] = address

    def execute_async_v3(self, stream: int) -> bool:
        assert stream == STREAM
        self._rtx.shapes.append(self._shape)
        (given,) = self._rtx.spec.inputs
        values = self._memory(given.name, given.dtype, self._shape)
        results = self._session.run([t.name for t in self._rtx.spec.outputs], {given.name: values})
        for tensor, result in zip(self._rtx.spec.outputs, results, strict=True):
            self._memory(tensor.name, "float32", result.shape)[...] = result
        return True

    def _memory(self, name: str, dtype: str, shape: tuple[int, ...]) -> NDArray[Any]:
        size = math.prod(shape) * np.dtype(dtype).itemsize
        memory = (ctypes.c_uint8 * size).from_address(self._addresses[name])
        return np.ctypeslib.as_array(memory).view(dtype).reshape(shape)
