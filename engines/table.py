"""ENGINES: which runtimes there are, how one is chosen, and how a model is opened on it."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Final, cast

import numpy as np

from engines.base import Engine
from engines.canary import input_sides
from engines.errors import EngineUnavailable
from engines.package import installed_version
from engines.spec import ModelSpec

log = logging.getLogger(__name__)

ENGINES: Final[dict[str, str]] = {
    "onnxruntime": "engines.onnxruntime:OnnxRuntimeEngine",
    "tensorrt-rtx": "engines.tensorrt_rtx:TensorRtRtxEngine",
    "onnxruntime-cuda": "engines.onnxruntime_cuda:OnnxRuntimeCudaEngine",
    "onnxruntime-tensorrt": "engines.onnxruntime_tensorrt:OnnxRuntimeTensorRtEngine",
    "openvino": "engines.openvino:OpenVinoEngine",
    "torch": "engines.torch:TorchEngine",
    "torch-tensorrt": "engines.torch_tensorrt:TorchTensorRtEngine",
}
"""Name on the command line -> "module:Class", imported when named.

A class is called as ``Class(spec, weights, device=..., threads=..., cache=...)`` and meets
`engines.base.Engine`; its third-party import stands inside it. One that has to build for minutes
before it can serve has a class method ``ready(spec, weights, *, device, cache) -> bool``: False
where that build is still to be made.
"""


AUTO: Final = "auto"
CANDIDATES: Final[Mapping[str, Mapping[str, Sequence[str]]]] = {
    "cpu": {"onnxruntime": ("onnxruntime", "onnxruntime-gpu"), "openvino": ("openvino",)},
    "cuda": {
        "onnxruntime-cuda": ("onnxruntime-gpu",),
        "onnxruntime-tensorrt": ("onnxruntime-gpu",),
        "tensorrt-rtx": ("tensorrt-rtx-cu13",),
    },
}
"""Kind of device -> what ``auto`` may choose, and the distributions of which each needs one. The
first is the default. Torch is left out: it takes its own format of weights."""


def open_engine(
    name: str,
    spec_path: Path,
    *,
    device: str = "cpu",
    threads: int = 1,
    cache: Path | None = None,
) -> Engine:
    """Open the model whose spec lies at `spec_path`, and run it once.

    `name` is a key of `ENGINES` or ``auto``. The first call of a runtime allocates and compiles;
    it is made here, so that no frame waits for it. What took minutes to build is kept in the
    folder `cache` (see `engines.build_cache`); without one it is built each time.

    Raises: EngineUnavailable, ModelMismatch, InferenceFailed (the warm-up).
    """
    name, _ = choose_engine(name, device)
    spec = ModelSpec.load(spec_path)
    weights = spec.verify(spec_path)
    make = _engine_class(name)
    engine = cast(Engine, make(spec, weights, device=device, threads=threads, cache=cache))
    try:
        engine.infer(_blank(spec))
    except Exception:
        engine.close()
        raise
    return engine


def build_needed(
    name: str, spec_path: Path, *, device: str = "cpu", cache: Path | None = None
) -> bool:
    """Whether opening this model on engine `name` begins with a build of minutes.

    Raises: EngineUnavailable, ModelMismatch.
    """
    name, _ = choose_engine(name, device)
    ready = getattr(_engine_class(name), "ready", None)
    if ready is None:
        return False
    spec = ModelSpec.load(spec_path)
    return not ready(spec, spec.verify(spec_path), device=device, cache=cache)


def choose_engine(name: str, device: str) -> tuple[str, str]:
    """Give the engine to use and why; ``auto`` is the first candidate, and the choice is logged.

    `engines.trial.fastest_engine` is the ``auto`` that measures.

    Raises: EngineUnavailable for a name that this version has no engine for, and when ``auto``
    knows none for `device`.
    """
    if name != AUTO:
        if name not in ENGINES:
            remedy = f"use one of: {AUTO}, " + ", ".join(ENGINES)
            raise EngineUnavailable(name, "it is not in this version", remedy)
        return name, "named by the user"
    if not (names := installed(device)):
        problem = f"there is no engine for the device {device!r}"
        raise EngineUnavailable(
            name, problem, "use --device cpu, or install one of docs/engines.md"
        )
    chosen, why = names[0], "the first that is installed"
    log.info("engine auto: chose %s on %s, %s", chosen, device, why)
    return chosen, why


def installed(device: str) -> tuple[str, ...]:
    """Give the candidates of ``auto`` for `device` whose package is installed, whole or broken."""
    candidates = CANDIDATES.get(device.partition(":")[0], {})
    return tuple(
        name
        for name, packages in candidates.items()
        if any(installed_version(package) != "none" for package in packages)
    )


def _engine_class(name: str) -> Any:
    module, _, attribute = ENGINES[name].partition(":")
    return getattr(import_module(module), attribute)


def _blank(spec: ModelSpec) -> np.ndarray[Any, np.dtype[Any]]:
    """One black picture (1, H, W, 3) of the model's input size."""
    height, width = input_sides(spec)
    dtype = np.uint8 if spec.inputs[0].dtype == "uint8" else np.float32
    return np.zeros((1, height, width, 3), dtype)
