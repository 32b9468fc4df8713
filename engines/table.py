"""ENGINES: which runtimes there are, how one is chosen, and how a model is opened on it."""

from __future__ import annotations

import logging
from importlib import import_module
from pathlib import Path
from typing import Any, Final, cast

import numpy as np

from engines.base import Engine
from engines.errors import EngineUnavailable
from engines.spec import ModelSpec

log = logging.getLogger(__name__)

ENGINES: Final[dict[str, str]] = {
    "onnxruntime": "engines.onnxruntime:OnnxRuntimeEngine",
}
"""Name on the command line -> "module:Class", imported when named.

A class is called as ``Class(spec, weights, device=..., threads=...)`` and meets
`engines.base.Engine`; its third-party import stands inside it.
"""

WARM_UP_SIDE: Final = 64
"""What a dynamic side is given in the first call; every model here takes it."""


def open_engine(name: str, spec_path: Path, *, device: str = "cpu", threads: int = 1) -> Engine:
    """Open the model whose spec lies at `spec_path`, and run it once.

    `name` is a key of `ENGINES` or ``auto``. The first call of a runtime allocates and compiles;
    it is made here, so that no frame waits for it.

    Raises: EngineUnavailable, ModelMismatch, InferenceFailed (the warm-up).
    """
    name, _ = choose_engine(name, device)
    spec = ModelSpec.load(spec_path)
    weights = spec.verify(spec_path)
    module, _, attribute = ENGINES[name].partition(":")
    make = getattr(import_module(module), attribute)
    engine = cast(Engine, make(spec, weights, device=device, threads=threads))
    try:
        engine.infer(_blank(spec))
    except Exception:
        engine.close()
        raise
    return engine


def choose_engine(name: str, device: str) -> tuple[str, str]:
    """Give the engine to use and why; ``auto`` is resolved, and the choice logged.

    Raises: EngineUnavailable for a name that this version has no engine for, and when ``auto``
    knows none for `device`.
    """
    if name != "auto":
        if name not in ENGINES:
            remedy = "use one of: auto, " + ", ".join(ENGINES)
            raise EngineUnavailable(name, "it is not in this version", remedy)
        return name, "named by the user"
    if device != "cpu":
        problem = f"this version has no engine for the device {device!r}"
        raise EngineUnavailable(name, problem, "use --device cpu")
    chosen, why = "onnxruntime", "the fastest engine for the CPU in this version"
    log.info("engine auto: chose %s on %s, %s", chosen, device, why)
    return chosen, why


def _blank(spec: ModelSpec) -> np.ndarray[Any, np.dtype[Any]]:
    """One black picture (1, H, W, 3) of the model's input size."""
    tensor = spec.inputs[0]
    sides = tensor.shape[2:] if spec.layout == "NCHW" else tensor.shape[1:3]
    height, width = (WARM_UP_SIDE if isinstance(side, str) else side for side in sides)
    dtype = np.uint8 if tensor.dtype == "uint8" else np.float32
    return np.zeros((1, height, width, 3), dtype)
