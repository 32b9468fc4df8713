"""ONNX Runtime on the CPU."""

from __future__ import annotations

from collections.abc import Sequence
from os import putenv
from pathlib import Path
from typing import Any, Final

from numpy.typing import NDArray

from engines.errors import EngineUnavailable, ModelMismatch
from engines.formats import check_format
from engines.opened import OpenedEngine
from engines.package import load_package
from engines.signature import Shapes, check_signature
from engines.spec import REEXPORT, ModelSpec

NAME: Final = "onnxruntime"
PROVIDER: Final = "CPUExecutionProvider"
INSTALL: Final = "pip install deepfakestream[cpu]"
REPAIR: Final = "pip uninstall onnxruntime onnxruntime-gpu, then " + INSTALL


class OnnxRuntimeEngine(OpenedEngine):
    """One ONNX model, opened for ONNX Runtime's CPU provider with `threads` threads.

    The threads do not spin between two calls: decoders share the machine, and a spinning worker
    would take a whole core from them. Meets `engines.base.Engine`.

    Raises: EngineUnavailable when the package is missing, when it is broken, when `device` is
    not ``cpu``, or when the provider in use is not the one asked for; ModelMismatch when the
    file is no ONNX model or not the one that `spec` describes.
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
        del cache  # opening takes a quarter of a second: nothing worth keeping
        if device != "cpu":
            raise EngineUnavailable(NAME, f"it cannot run on {device!r}", "use --device cpu")
        check_format(NAME, spec, weights, ("onnx",))
        self._session: Any = _open(load_runtime(), weights, threads)
        super().__init__(spec, provider=_provider_in_use(self._session), device=device)
        check_signature(spec, weights, *signature_of(self._session))
        self._outputs = [tensor.name for tensor in spec.outputs]

    def _run(self, values: NDArray[Any]) -> Sequence[NDArray[Any]]:
        result: list[NDArray[Any]] = self._session.run(
            self._outputs, {self._spec.inputs[0].name: values}
        )
        return result

    def _release(self) -> None:
        self._session = None


def load_runtime(name: str = NAME, install: str = INSTALL, repair: str = REPAIR) -> Any:
    """Import the package, and switch off its telemetry: newer ones report their use by default.

    Raises: EngineUnavailable that tells a missing package from one that is there but broken.
    """
    # Read on import, before it makes a device id and a database in the user's cache folder.
    putenv("ORT_DISABLE_TELEMETRY", "1")
    runtime = load_package(
        name, "onnxruntime", needs="InferenceSession", install=install, repair=repair
    )
    if silence := getattr(runtime, "disable_telemetry_events", None):
        silence()
    return runtime


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


def signature_of(session: Any) -> tuple[Shapes, Shapes]:
    """The names and shapes of a session's inputs and of its outputs."""
    ports = (session.get_inputs(), session.get_outputs())
    inputs, outputs = ({node.name: node.shape for node in nodes} for nodes in ports)
    return inputs, outputs
