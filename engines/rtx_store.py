"""What TensorRT for RTX keeps between two starts: engines built from ONNX, kernels compiled."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, Final

from engines.build_cache import BuildCache, BuildKey
from engines.cuda import Gpu
from engines.errors import EngineError, ModelMismatch
from engines.rtx_builder import FORMAT, build_engine, profile_of
from engines.rtx_header import read_header
from engines.spec import ModelSpec

log = logging.getLogger(__name__)

ENGINE_FILE: Final = "model.rtx"
KERNELS_FILE: Final = "kernels.bin"


def engine_for(
    rtx: Any,
    runtime: Any,
    spec: ModelSpec,
    weights: Path,
    *,
    capability: str,
    cache: BuildCache | None,
) -> bytes:
    """Give the engine to open on a GPU of this compute capability.

    A built one is taken as it is, once nothing speaks against it. One of an ONNX model is taken
    from the cache, else built; a stale or foreign one there is built anew.

    Raises: ModelMismatch, EngineUnavailable.
    """
    if spec.format == FORMAT:
        engine = weights.read_bytes()
        if problem := refusal(rtx, runtime, engine, capability):
            command = "detector" if spec.name == "detector" else "mtcnn"
            remedy = (
                f"build it anew: python -m export {command} --format {FORMAT} "
                f"--capabilities {capability}"
            )
            raise ModelMismatch(weights, problem, remedy)
        return engine
    if cache is None:
        return build_engine(spec, weights, (capability,))
    key = BuildKey(
        model=spec.sha256,
        gpu=capability,
        driver="any",
        runtime=f"{FORMAT} {rtx.__version__}",
        precision=spec.precision,
        profile=f"engine {profile_of(spec)}",
    )

    def build(folder: Path) -> None:
        (folder / ENGINE_FILE).write_bytes(build_engine(spec, weights, (capability,)))

    engine = (cache.built(key, build) / ENGINE_FILE).read_bytes()
    if problem := refusal(rtx, runtime, engine, capability):
        log.warning("the cached engine of %s: %s; it is built anew", spec.name, problem)
        engine = (cache.replace(key, build) / ENGINE_FILE).read_bytes()
    return engine


def refusal(rtx: Any, runtime: Any, engine: bytes, capability: str) -> str | None:
    """Why this engine cannot run here; None when nothing speaks against it.

    The header is read first: the runtime's own word needs a GPU, and names no versions.
    """
    try:
        header = read_header(engine)
    except ValueError as exc:
        return str(exc)
    if header.release != rtx.__version__:
        return f"release {header.release} built it, {rtx.__version__} is installed"
    if capability not in header.capabilities:
        built_for = ", ".join(header.capabilities)
        return f"it was built for compute capability {built_for}, the GPU has {capability}"
    validity, diagnostics = runtime.get_engine_validity(engine)
    if validity != rtx.EngineValidity.INVALID:
        return None
    members = rtx.EngineInvalidityDiagnostics.__members__.items()
    reasons = [name.lower() for name, bit in members if int(bit) & diagnostics]
    return f"the runtime refuses it ({', '.join(reasons) or 'it gives no reason'})"


class KernelStore:
    """The kernels compiled for one model on one GPU, from one start to the next.

    Kernels belong to the GPU's name, the driver and the release; the runtime checks that too.
    """

    def __init__(self, rtx: Any, spec: ModelSpec, gpu: Gpu, cache: BuildCache | None) -> None:
        self._cache = cache
        self._kernels: Any = None
        self._loaded = b""
        self._key = BuildKey(
            model=spec.sha256,
            gpu=f"{gpu.name} {gpu.capability}",
            driver=gpu.driver,
            runtime=f"{FORMAT} {rtx.__version__}",
            precision=spec.precision,
            profile="kernels",
        )

    def attach(self, config: Any) -> None:
        """Let the runtime start with the kernels of last time, if it takes them."""
        if self._cache is None:
            return
        self._kernels = config.create_runtime_cache()
        entry = self._cache.find(self._key)
        if entry is not None:
            self._loaded = (entry / KERNELS_FILE).read_bytes()
            if not self._kernels.deserialize(self._loaded):
                log.warning("the runtime refuses the kernels of last time; they are compiled anew")
        config.set_runtime_cache(self._kernels)

    def save(self) -> None:
        """Keep what was compiled since; a folder that cannot be written costs the next start."""
        if self._cache is None or self._kernels is None:
            return
        kernels = bytes(self._kernels.serialize())
        if kernels == self._loaded:
            return
        try:
            self._cache.replace(self._key, lambda folder: _write(folder / KERNELS_FILE, kernels))
        except (EngineError, OSError) as exc:
            log.warning("the kernels compiled for this GPU are not kept: %s", exc)
        self._loaded = kernels


def _write(file: Path, content: bytes) -> None:
    file.write_bytes(content)
