"""ONNX Runtime on an NVIDIA GPU, by its CUDA provider."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engines.binding import Binding, run_unbound
from engines.errors import EngineUnavailable, ModelMismatch
from engines.formats import check_format
from engines.onnxruntime import load_runtime, signature_of
from engines.opened import OpenedEngine
from engines.package import gpu_number
from engines.signature import check_signature
from engines.spec import REEXPORT, ModelSpec

log = logging.getLogger(__name__)

NAME: Final = "onnxruntime-cuda"
PROVIDER: Final = "CUDAExecutionProvider"
INSTALL: Final = "pip install deepfakestream[gpu]"
EXCLUDE: Final = (
    "pip uninstall onnxruntime onnxruntime-gpu, then " + INSTALL + ": both packages are the module "
    "onnxruntime, and only one of them may be there"
)
LIBRARIES: Final = "install NVIDIA's driver, CUDA and cuDNN as the package asks for: see its log"
SIZES: Final = (1, 2, 4, 8, 16, 32)
"""Batches are filled up to one of these: a CUDA graph is for one size, and takes memory."""

Provider = tuple[str, dict[str, str]]


class OnnxRuntimeCudaEngine(OpenedEngine):
    """One ONNX model on ``cuda:N``. Meets `engines.base.Engine`.

    Models with fixed sides run as CUDA graphs, one for each of `SIZES`, captured when the model is
    opened; larger batches go in parts. TensorFloat-32 is off: scores were calibrated without it.
    A call is never repeated on the processor when the GPU fails: it raises.

    Raises: EngineUnavailable when the package is missing, broken or the one for processors, for
    another device, and when the provider in use is not the one asked for (ONNX Runtime leaves out
    a provider whose libraries are missing, and says so only in its log); ModelMismatch when the
    file is no ONNX model or not the one that `spec` describes.
    """

    name = NAME
    wanted = PROVIDER
    remedy = LIBRARIES

    def __init__(
        self,
        spec: ModelSpec,
        weights: Path,
        *,
        device: str,
        threads: int,
        cache: Path | None = None,
    ) -> None:
        check_format(self.name, spec, weights, ("onnx",))
        self._number = gpu_number(self.name, device)
        super().__init__(spec, provider=self.wanted, device=device)
        self._runtime = load_gpu_runtime(self.name, self.wanted)
        self._threads = threads
        self._session: Any = self._opened(weights, cache)
        self._refuse_another_provider(self._session)
        check_signature(spec, weights, *signature_of(self._session))
        self._bindings = [self._binding(size) for size in self._sizes()]

    @property
    def provider(self) -> str:
        """Read anew each time: a fall to another provider shows here."""
        return self._provider if self._session is None else str(self._session.get_providers()[0])

    def _opened(self, weights: Path, cache: Path | None) -> Any:
        del cache  # kernels are in the library: nothing is built
        if not self._sizes():
            return self._session_with(weights, [cuda_provider(self._number, graphs=False)])
        try:
            return self._session_with(weights, [cuda_provider(self._number, graphs=True)])
        except ModelMismatch as exc:
            # A node that only the processor's provider has forbids graphs, and them alone.
            log.info("%s without CUDA graphs: %s", self._spec.name, exc.problem)
            return self._session_with(weights, [cuda_provider(self._number, graphs=False)])

    def _sizes(self) -> tuple[int, ...]:
        """The batch sizes that get memory of their own: none where pictures come in any size."""
        free = any(isinstance(side, str) for side in self._spec.inputs[0].shape[1:])
        return () if free else SIZES

    def _session_with(self, weights: Path, providers: Sequence[Provider]) -> Any:
        options = self._runtime.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        try:
            session = self._runtime.InferenceSession(str(weights), options, providers=providers)
        except Exception as exc:  # ONNX Runtime's errors share no root but Exception
            problem = f"ONNX Runtime cannot open it ({str(exc).splitlines()[0]})"
            raise ModelMismatch(weights, problem, REEXPORT) from exc
        session.disable_fallback()
        return session

    def _refuse_another_provider(self, session: Any) -> None:
        actual = session.get_providers()[0]
        if actual != self.wanted:
            problem = f"{actual} runs in place of {self.wanted}"
            raise EngineUnavailable(self.name, problem, self.remedy)

    def _binding(self, size: int) -> Binding:
        made = Binding(self._runtime, self._session, self._spec, size, "cuda", self._number)
        made.capture()
        return made

    def _run(self, values: NDArray[Any]) -> Sequence[NDArray[Any]]:
        if not self._bindings:
            return run_unbound(self._session, self._spec, values)
        most = SIZES[-1]
        parts = [self._part(values[at : at + most]) for at in range(0, len(values), most)]
        return [np.concatenate(part) for part in zip(*parts, strict=True)]

    def _part(self, values: NDArray[Any]) -> Sequence[NDArray[np.float32]]:
        place = next(i for i, size in enumerate(SIZES) if size >= len(values))
        return self._bindings[place].run(values)

    def _release(self) -> None:
        self._bindings = []
        self._session = None


def cuda_provider(number: int, *, graphs: bool) -> Provider:
    """The CUDA provider's options. Searching for the best convolution takes seconds for each new
    shape, so it is for the few sizes of graphs alone.
    """
    return PROVIDER, {
        "device_id": str(number),
        "use_tf32": "0",
        "enable_cuda_graph": "1" if graphs else "0",
        "cudnn_conv_algo_search": "EXHAUSTIVE" if graphs else "HEURISTIC",
        "arena_extend_strategy": "kSameAsRequested",
    }


def load_gpu_runtime(name: str, provider: str) -> Any:
    """Import the package, with the CUDA libraries that pip installed beside it.

    Raises: EngineUnavailable when it is missing, broken, or built without `provider`.
    """
    runtime = load_runtime(name, INSTALL, EXCLUDE)
    if provider not in runtime.get_available_providers():
        problem = f"the package onnxruntime that is installed has no {provider}"
        raise EngineUnavailable(name, problem, EXCLUDE)
    if preload := getattr(runtime, "preload_dlls", None):
        preload()
    return runtime
