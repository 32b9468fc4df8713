"""Gpu: one CUDA device with a stream and buffers, for a runtime that brings none of its own."""

from __future__ import annotations

import ctypes
import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engines.errors import EngineUnavailable
from engines.package import load_package

DRIVER: Final = "install NVIDIA's driver, or choose another engine"


class CudaError(Exception):
    """A CUDA call that failed, in CUDA's own words."""


@dataclass(frozen=True, slots=True)
class Buffer:
    """`host`, page-locked bytes, and as many at `address` on the GPU."""

    host: NDArray[np.uint8]
    address: int


class Gpu:
    """Device `number` for the engine `engine`, whose extra is installed by `install`.

    Threads: any, one at a time; each calls `select` before its first use. The calls release the
    GIL while they wait.

    Raises: EngineUnavailable without the package cuda-bindings, and in CUDA's words without a
    driver or a device of that number.
    """

    def __init__(self, engine: str, number: int, *, install: str) -> None:
        self._cuda: Any = load_package(
            engine, "cuda.bindings.runtime", needs="cudaMalloc", install=install, repair=install
        )
        self.number = number
        self._buffers: list[tuple[int, int]] = []
        try:
            count = self._call("cudaGetDeviceCount")
            if number >= count:
                raise CudaError(f"there is no cuda:{number}, only {count} device(s)")
            self.select()
            about = self._call("cudaGetDeviceProperties", number)
            self._driver = int(self._call("cudaDriverGetVersion"))
            self._stream = self._call("cudaStreamCreate")
        except CudaError as exc:
            raise EngineUnavailable(engine, f"no GPU can be used: {exc}", DRIVER) from exc
        self.name = bytes(about.name).split(b"\0")[0].decode()
        self.capability = f"{about.major}.{about.minor}"

    @property
    def driver(self) -> str:
        """The newest CUDA that the driver serves: ``13.0``."""
        return f"{self._driver // 1000}.{self._driver % 1000 // 10}"

    @property
    def stream(self) -> int:
        """The stream's handle; everything here goes through it, in order."""
        return int(self._stream)

    def select(self) -> None:
        """Make this the calling thread's device."""
        self._call("cudaSetDevice", self.number)

    def buffer(self, size: int) -> Buffer:
        """Take `size` bytes on both sides; they stay until `close`."""
        address = int(self._call("cudaMalloc", size))
        place = int(self._call("cudaMallocHost", size))
        self._buffers.append((address, place))
        host = np.ctypeslib.as_array((ctypes.c_uint8 * size).from_address(place))
        return Buffer(host, address)

    def upload(self, buffer: Buffer, values: NDArray[Any], *, room: int) -> None:
        """Send `values`, C-contiguous, and zeros after it up to `room` bytes."""
        buffer.host[: values.nbytes] = values.reshape(-1).view(np.uint8)
        buffer.host[values.nbytes : room] = 0
        kind = self._cuda.cudaMemcpyKind.cudaMemcpyHostToDevice
        place = buffer.host.ctypes.data
        self._call("cudaMemcpyAsync", buffer.address, place, room, kind, self._stream)

    def download(self, buffer: Buffer, shape: tuple[int, ...]) -> NDArray[np.float32]:
        """Ask for float32 of `shape`; it is a view of the buffer, filled after `wait`."""
        size = 4 * math.prod(shape)
        kind = self._cuda.cudaMemcpyKind.cudaMemcpyDeviceToHost
        place = buffer.host.ctypes.data
        self._call("cudaMemcpyAsync", place, buffer.address, size, kind, self._stream)
        return buffer.host[:size].view(np.float32).reshape(shape)

    def wait(self) -> None:
        """Wait for all that was asked of the stream."""
        self._call("cudaStreamSynchronize", self._stream)

    def close(self) -> None:
        """Give the memory back. Arrays that `download` gave are gone with it."""
        self.select()
        for address, place in self._buffers:
            self._call("cudaFree", address)
            self._call("cudaFreeHost", place)
        self._buffers.clear()
        self._call("cudaStreamDestroy", self._stream)

    def _call(self, name: str, *arguments: Any) -> Any:
        """Call the function; give its result, if it has one.

        Raises: CudaError.
        """
        status, *results = getattr(self._cuda, name)(*arguments)
        if int(status) != 0:
            _, text = self._cuda.cudaGetErrorString(status)
            raise CudaError(f"{name}: {bytes(text).decode()}")
        return results[0] if results else None
