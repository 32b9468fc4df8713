"""ONNX Runtime on the CPU."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engines.base import Outputs
from engines.errors import EngineUnavailable, InferenceFailed, ModelMismatch
from engines.preprocess import model_input
from engines.spec import REEXPORT, ModelSpec, TensorSpec

NAME: Final = "onnxruntime"
PROVIDER: Final = "CPUExecutionProvider"
INSTALL: Final = "pip install deepfakestream[cpu]"


class OnnxRuntimeEngine:
    """One ONNX model, opened for ONNX Runtime's CPU provider with `threads` threads.

    The threads do not spin between two calls: decoders share the machine, and a spinning worker
    would take a whole core from them. Meets `engines.base.Engine`.

    Raises: EngineUnavailable when the package is missing, when it is broken, when `device` is
    not ``cpu``, or when the provider in use is not the one asked for; ModelMismatch when the
    file is no ONNX model or not the one that `spec` describes.
    """

    def __init__(self, spec: ModelSpec, weights: Path, *, device: str, threads: int) -> None:
        if device != "cpu":
            raise EngineUnavailable(NAME, f"it cannot run on {device!r}", "use --device cpu")
        self._spec = spec
        self._session: Any = _open(load_runtime(), weights, threads)
        self._provider = _provider_in_use(self._session)
        _check(self._session, spec, weights)
        self._outputs = [tensor.name for tensor in spec.outputs]

    @property
    def spec(self) -> ModelSpec:
        """What the model takes and gives."""
        return self._spec

    @property
    def provider(self) -> str:
        """The execution provider, as ONNX Runtime reports it."""
        return self._provider

    @property
    def device(self) -> str:
        """Always ``cpu``."""
        return "cpu"

    def infer(self, batch: NDArray[Any]) -> Outputs:
        """Run the model; see `engines.base.Engine.infer`."""
        values = model_input(batch, self._spec)
        if len(values) == 0:
            return {tensor.name: _empty(tensor) for tensor in self._spec.outputs}
        if self._session is None:
            raise InferenceFailed(self._spec.name, "the engine is closed")
        try:
            results = self._session.run(self._outputs, {self._spec.inputs[0].name: values})
        except Exception as exc:  # ONNX Runtime's errors share no root but Exception
            raise InferenceFailed(self._spec.name, str(exc)) from exc
        arrays = (np.asarray(result, np.float32) for result in results)
        return dict(zip(self._outputs, arrays, strict=True))

    def close(self) -> None:
        """Release the session; a second call does nothing."""
        self._session = None

    def __enter__(self) -> OnnxRuntimeEngine:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def load_runtime() -> Any:
    """Import the package.

    Raises: EngineUnavailable that tells a missing package from one that is there but broken.
    """
    try:
        import onnxruntime

        onnxruntime.InferenceSession  # noqa: B018  a half-removed wheel imports as an empty package
    except ModuleNotFoundError as exc:
        if exc.name == "onnxruntime":
            raise EngineUnavailable(NAME, "the package onnxruntime is missing", INSTALL) from exc
        raise _broken(exc) from exc
    except Exception as exc:  # a native package that cannot load raises whatever it likes
        raise _broken(exc) from exc
    return onnxruntime


def _broken(cause: Exception) -> EngineUnavailable:
    return EngineUnavailable(
        NAME,
        f"the package onnxruntime is installed but broken ({cause})",
        "pip uninstall onnxruntime onnxruntime-gpu, then " + INSTALL,
    )


def _open(runtime: Any, weights: Path, threads: int) -> Any:
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = runtime.ExecutionMode.ORT_SEQUENTIAL
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    try:
        return runtime.InferenceSession(str(weights), options, providers=[PROVIDER])
    except Exception as exc:  # ONNX Runtime's errors share no root but Exception
        problem = f"ONNX Runtime cannot read it ({str(exc).splitlines()[0]})"
        raise ModelMismatch(weights, problem, REEXPORT) from exc


def _provider_in_use(session: Any) -> str:
    """Read back what runs: a provider that cannot start is left out without an error."""
    provider = str(session.get_providers()[0])
    if provider != PROVIDER:
        raise EngineUnavailable(NAME, f"{provider} runs in place of {PROVIDER}", INSTALL)
    return provider


def _check(session: Any, spec: ModelSpec, weights: Path) -> None:
    for kind, tensors, nodes in (
        ("inputs", spec.inputs, session.get_inputs()),
        ("outputs", spec.outputs, session.get_outputs()),
    ):
        actual = {node.name: node.shape for node in nodes}
        expected = {tensor.name: tensor.shape for tensor in tensors}
        if actual.keys() != expected.keys():
            problem = f"its {kind} are {sorted(actual)}, its spec says {sorted(expected)}"
            raise ModelMismatch(weights, problem, REEXPORT)
        for name, shape in expected.items():
            if not _same_shape(actual[name], shape):
                problem = f"{name!r} has shape {actual[name]}, its spec says {list(shape)}"
                raise ModelMismatch(weights, problem, REEXPORT)


def _same_shape(actual: list[Any], expected: tuple[int | str, ...]) -> bool:
    """Fixed sizes must be equal; a dynamic one may bear any name."""
    return len(actual) == len(expected) and all(
        size == wanted or (isinstance(wanted, str) and not isinstance(size, int))
        for size, wanted in zip(actual, expected, strict=True)
    )


def _empty(tensor: TensorSpec) -> NDArray[np.float32]:
    inner = [size if isinstance(size, int) else 0 for size in tensor.shape[1:]]
    return np.empty((0, *inner), np.float32)
