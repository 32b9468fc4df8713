"""OpenVINO on the CPU."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engines.errors import EngineUnavailable, ModelMismatch
from engines.formats import check_format
from engines.opened import OpenedEngine
from engines.package import load_package
from engines.signature import check_signature
from engines.spec import REEXPORT, ModelSpec

NAME: Final = "openvino"
PROVIDER: Final = "CPU"
INSTALL: Final = "pip install deepfakestream[openvino]"
REPAIR: Final = "pip uninstall openvino, then " + INSTALL


class OpenVinoEngine(OpenedEngine):
    """One ONNX model, opened for OpenVINO's CPU plug-in with `threads` threads.

    It computes in float32, whatever the processor offers: in bfloat16 probabilities moved by up
    to 0.1 and P-Net lost 7 % of the faces. Threads are not pinned, since decoders share the cores.
    Meets `engines.base.Engine`.

    Raises: EngineUnavailable when the package is missing, when it is broken, or when `device` is
    not ``cpu``; ModelMismatch when the file is no model or not the one that `spec` describes.
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
        del cache  # compiling takes half a second: nothing worth keeping
        if device != "cpu":
            raise EngineUnavailable(NAME, f"it cannot run on {device!r}", "use --device cpu")
        check_format(NAME, spec, weights, ("onnx",))
        runtime = load_runtime()
        core = runtime.Core()
        model = _read(core, weights)
        check_signature(spec, weights, _shapes(model.inputs), _shapes(model.outputs))
        restore_prelu(runtime, model)
        compiled = core.compile_model(model, PROVIDER, _options(threads))
        self._request = compiled.create_infer_request()
        executes = compiled.get_property("EXECUTION_DEVICES")
        super().__init__(spec, provider=f"OpenVINO {','.join(executes)}", device=device)

    def _run(self, values: NDArray[Any]) -> Sequence[NDArray[Any]]:
        self._request.infer([values], share_inputs=True)
        names = (tensor.name for tensor in self._spec.outputs)
        # A copy: the next call writes into the same memory.
        return [np.array(self._request.get_tensor(name).data, np.float32) for name in names]

    def _release(self) -> None:
        del self._request


def load_runtime() -> Any:
    """Import the package, without its telemetry.

    Its model converter reports each use to Intel unless the user opted out; where the package
    openvino-telemetry cannot be imported, OpenVINO takes a stub of its own that sends nothing.

    Raises: EngineUnavailable that tells a missing package from one that is there but broken.
    """
    modules: dict[str, Any] = sys.modules
    modules.setdefault("openvino_telemetry", None)
    return load_package(NAME, "openvino", needs="Core", install=INSTALL, repair=REPAIR)


def _options(threads: int) -> dict[str, Any]:
    return {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": "f32",
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": 1,
        "ENABLE_CPU_PINNING": False,
    }


def _read(core: Any, weights: Path) -> Any:
    try:
        return core.read_model(str(weights))
    except Exception as exc:  # OpenVINO raises RuntimeError, and whatever its front ends raise
        problem = f"OpenVINO cannot read it ({_first_line(exc)})"
        raise ModelMismatch(weights, problem, REEXPORT) from exc


def restore_prelu(runtime: Any, model: Any) -> int:
    """Make ``a·x + (1 - a)·relu(x)`` PReLU of slope ``a`` again, in place; give how many it were.

    The networks are exported in the form that is ONNX Runtime's fastest (`export.mtcnn_networks`).
    OpenVINO fuses PReLU with the convolution before it, for pictures of any size: a 217x385 level
    took P-Net 15 ms as exported, 6.9 ms when compiled for that size alone, and takes 5 ms so.
    """
    restored = 0
    for node in model.get_ordered_ops():
        found = _prelu(node)
        if found is not None:
            prelu = runtime.opset1.prelu(*found, name=node.get_friendly_name())
            node.output(0).replace(prelu.output(0))
            restored += 1
    return restored


def _prelu(node: Any) -> tuple[Any, Any] | None:
    """The values and the slopes, where `node` adds what makes PReLU of them."""
    if node.get_type_name() != "Add":
        return None
    scaled = [_scaled(part) for part in _inputs(node)]
    for first, second in (scaled, scaled[::-1]):
        if first is None or second is None or second[0].get_node().get_type_name() != "Relu":
            continue
        (values, slope), (relu, rest) = first, second
        complete = np.allclose(slope.data + rest.data, 1, atol=1e-6)
        if complete and _inputs(relu.get_node()) == [values]:
            return values, slope
    return None


def _scaled(output: Any) -> tuple[Any, Any] | None:
    """The values and the constant, where `output` is their product."""
    node = output.get_node()
    if node.get_type_name() != "Multiply":
        return None
    first, second = _inputs(node)
    for values, factor in ((first, second), (second, first)):
        if factor.get_node().get_type_name() == "Constant":
            return values, factor.get_node()
    return None


def _inputs(node: Any) -> list[Any]:
    return [port.get_source_output() for port in node.inputs()]


def _first_line(exc: Exception) -> str:
    return next((line.strip() for line in str(exc).splitlines() if line.strip()), repr(exc))


def _shapes(ports: Sequence[Any]) -> dict[str, list[Any]]:
    return {
        port.get_any_name(): [
            "any" if size.is_dynamic else size.get_length() for size in port.get_partial_shape()
        ]
        for port in ports
    }
