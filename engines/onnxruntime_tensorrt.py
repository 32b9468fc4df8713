"""ONNX Runtime on an NVIDIA GPU, by its TensorRT provider: data-centre GPUs and Jetson."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engines.binding import run_unbound
from engines.build_cache import BuildCache, BuildKey
from engines.hardware import driver_version, gpu_names
from engines.onnxruntime_cuda import OnnxRuntimeCudaEngine, Provider, cuda_provider
from engines.package import installed_version
from engines.rtx_builder import profile_of
from engines.spec import ModelSpec

NAME: Final = "onnxruntime-tensorrt"
PROVIDER: Final = "TensorrtExecutionProvider"
LIBRARIES: Final = (
    "install TensorRT from NVIDIA's index, in the version that the package onnxruntime-gpu is "
    "built for: docs/engines.md"
)
TENSORRT: Final = ("tensorrt", "tensorrt-cu12", "tensorrt-cu13")


class OnnxRuntimeTensorRtEngine(OnnxRuntimeCudaEngine):
    """One ONNX model on ``cuda:N``, built by TensorRT for this very GPU. Meets `Engine`.

    The build takes minutes and is kept in `cache`, with the times of the kernels that were tried;
    a batch of up to 32 and P-Net's pictures up to 4K are one build. What TensorRT cannot take
    runs on the CUDA provider. Raises: as `OnnxRuntimeCudaEngine`.
    """

    name = NAME
    wanted = PROVIDER
    remedy = LIBRARIES

    @classmethod
    def ready(cls, spec: ModelSpec, weights: Path, *, device: str, cache: Path | None) -> bool:
        """Whether the build is there already."""
        del weights
        return cache is not None and BuildCache(cache, NAME).find(_key(spec, device)) is not None

    def _opened(self, weights: Path, cache: Path | None) -> Any:
        if cache is None:
            return self._session_with(weights, self._providers(None, build=True))

        def build(folder: Path) -> None:
            session = self._session_with(weights, self._providers(folder, build=True))
            self._refuse_another_provider(session)
            run_unbound(session, self._spec, _least(self._spec))

        entry = BuildCache(cache, NAME).built(_key(self._spec, self._device), build)
        return self._session_with(weights, self._providers(entry, build=False))

    def _providers(self, folder: Path | None, *, build: bool) -> Sequence[Provider]:
        """TensorRT, then CUDA for what it cannot take. The cache's folder is written by a build
        alone: its files are compared with their hashes at the next start.
        """
        least, best, most = (_listed(self._spec, shape) for shape in profile_of(self._spec))
        options = {
            "device_id": str(self._number),
            "trt_fp16_enable": str(self._spec.precision == "fp16"),
            "trt_int8_enable": str(self._spec.precision == "int8"),
            "trt_profile_min_shapes": least,
            "trt_profile_opt_shapes": best,
            "trt_profile_max_shapes": most,
        }
        if folder is not None:
            options |= {
                "trt_engine_cache_enable": "True",
                "trt_engine_cache_path": str(folder),
                "trt_timing_cache_enable": str(build),
                "trt_timing_cache_path": str(folder),
            }
        return [(PROVIDER, options), cuda_provider(self._number, graphs=False)]

    def _sizes(self) -> tuple[int, ...]:
        return ()  # the provider has buffers and kernels for every size of its profile

    def _run(self, values: NDArray[Any]) -> Sequence[NDArray[Any]]:
        most = profile_of(self._spec)[2][0]
        parts = [
            run_unbound(self._session, self._spec, values[at : at + most])
            for at in range(0, len(values), most)
        ]
        return [np.concatenate(part) for part in zip(*parts, strict=True)]


def _key(spec: ModelSpec, device: str) -> BuildKey:
    versions = [installed_version(package) for package in ("onnxruntime-gpu", *TENSORRT)]
    return BuildKey(
        model=spec.sha256,
        gpu=f"{device} of {gpu_names()}",
        driver=driver_version(),
        runtime=" ".join(versions),
        precision=spec.precision,
        profile=str(profile_of(spec)),
    )


def _listed(spec: ModelSpec, shape: Sequence[int]) -> str:
    return f"{spec.inputs[0].name}:{'x'.join(map(str, shape))}"


def _least(spec: ModelSpec) -> NDArray[Any]:
    return np.zeros(profile_of(spec)[0], spec.inputs[0].dtype)
