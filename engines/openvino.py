"""OpenVINO on the CPU."""

from __future__ import annotations

import math
import sys
from collections import OrderedDict
from collections.abc import Callable, Sequence
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

WORTH: Final = 4_000_000
"""A shape is compiled for itself once so many values of it have come: by then the request for any
shape, which takes twice as long, has cost as much as compiling would have, 50 to 100 ms. P-Net's
largest level of a 720p picture is there at the 16th search, an odd picture never."""
COMPILED: Final = 32
"""Shapes compiled at most, the longest unused makes room. Each takes about 5 MB and its threads;
a camera's pyramid has 8 to 10."""
APART: Final = 10
"""Calls between two compilations of 0.1 s, so that a new camera's pyramid is not one long pause."""
REMEMBERED: Final = 256
"""Shapes whose values are counted at most."""


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
        core = load_runtime().Core()
        model = _read(core, weights)
        check_signature(spec, weights, _shapes(model.inputs), _shapes(model.outputs))

        def request(shape: tuple[int, ...] | None) -> Any:
            made = model if shape is None else model.clone()
            if shape is not None:
                made.reshape(list(shape))
            return core.compile_model(made, PROVIDER, _options(threads)).create_infer_request()

        self._requests = Requests(request, by_shape=_has_free_sides(spec))
        executes = self._requests.any.get_compiled_model().get_property("EXECUTION_DEVICES")
        super().__init__(spec, provider=f"OpenVINO {','.join(executes)}", device=device)

    def _run(self, values: NDArray[Any]) -> Sequence[NDArray[Any]]:
        request = self._requests.of(values.shape)
        request.infer([values], share_inputs=True)
        names = (tensor.name for tensor in self._spec.outputs)
        # A copy: the next call with this request writes into the same memory.
        return [np.array(request.get_tensor(name).data, np.float32) for name in names]

    def _release(self) -> None:
        del self._requests


class Requests:
    """Inference requests: one for any shape, and with `by_shape` one for each common shape.

    Compiled for one shape, P-Net takes half the time that it takes compiled for all; a batch of
    crops gains little, and its sizes are many.
    """

    def __init__(self, request: Callable[[tuple[int, ...] | None], Any], *, by_shape: bool) -> None:
        self._request = request
        self._by_shape = by_shape
        self._own: OrderedDict[tuple[int, ...], Any] = OrderedDict()
        self._seen: OrderedDict[tuple[int, ...], int] = OrderedDict()
        self._since_compiled = APART
        self.any = request(None)

    def of(self, shape: tuple[int, ...]) -> Any:
        """Give the request to run an input of `shape` on; compiles one when its time has come."""
        if not self._by_shape:
            return self.any
        self._since_compiled += 1
        if (own := self._own.get(shape)) is not None:
            self._own.move_to_end(shape)
            return own
        self._seen[shape] = self._seen.pop(shape, 0) + math.prod(shape)
        if len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)
        if self._seen[shape] < WORTH or self._since_compiled <= APART:
            return self.any
        return self._compiled(shape)

    def _compiled(self, shape: tuple[int, ...]) -> Any:
        self._since_compiled = 0
        del self._seen[shape]
        if len(self._own) == COMPILED:
            self._own.popitem(last=False)
        self._own[shape] = self._request(shape)
        return self._own[shape]


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


def _first_line(exc: Exception) -> str:
    return next((line.strip() for line in str(exc).splitlines() if line.strip()), repr(exc))


def _shapes(ports: Sequence[Any]) -> dict[str, list[Any]]:
    return {
        port.get_any_name(): [
            "any" if size.is_dynamic else size.get_length() for size in port.get_partial_shape()
        ]
        for port in ports
    }


def _has_free_sides(spec: ModelSpec) -> bool:
    return any(isinstance(size, str) for size in spec.inputs[0].shape[1:])
