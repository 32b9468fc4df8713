"""Builds engines of TensorRT for RTX ahead of time: from ONNX, with or without a GPU."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from engines.errors import EngineUnavailable, ModelMismatch
from engines.package import load_package
from engines.rtx_graph import ENGINE, INSTALL, buildable
from engines.rtx_header import CAPABILITIES, PORTABLE, read_header
from engines.spec import REEXPORT, Dimension, ModelSpec

FORMAT: Final = "tensorrt-rtx"
"""How a ModelSpec names an engine that is built."""
PACKAGE: Final = "tensorrt_rtx"
TURING: Final = "7.5"

BATCHES: Final = (1, 8, 32)
SIDES: Final = {"height": (12, 216, 1296), "width": (12, 384, 2304)}
"""Least, best and most of P-Net's free sides: one of its cells; half of 720p, where the default
smallest face puts the first level; 4K's first level at the smallest face of 20 px."""

Shape = tuple[int, ...]


def load_rtx() -> Any:
    """Import the package.

    Raises: EngineUnavailable.
    """
    return load_package(ENGINE, PACKAGE, needs="Builder", install=INSTALL, repair=INSTALL)


def profile_of(spec: ModelSpec) -> tuple[Shape, Shape, Shape]:
    """The input's least, best and most shape. With free sides every batch is of 1: levels of a
    pyramid come one by one, and room for 32 of the largest would take the GPU's memory.
    """
    shape = spec.inputs[0].shape
    free = any(side in SIDES for side in shape)

    def sizes(place: int, side: Dimension) -> Sequence[int]:
        if place == 0:
            return (1, 1, 1) if free else BATCHES
        return (side,) * 3 if isinstance(side, int) else SIDES[side]

    columns = [sizes(place, side) for place, side in enumerate(shape)]
    least, best, most = zip(*columns, strict=True)
    return least, best, most


def build_engine(spec: ModelSpec, weights: Path, capabilities: Sequence[str] = PORTABLE) -> bytes:
    """Build the ONNX model of `spec` at `weights` for GPUs of these compute capabilities.

    It takes about a second and no GPU; what it computes is in the precision of the ONNX file.

    Raises: EngineUnavailable for a missing package, a release whose header this program cannot
    read, or a capability that it does not know; ModelMismatch when the builder refuses the model.
    """
    rtx = load_rtx()
    if unknown := [name for name in capabilities if name not in CAPABILITIES]:
        problem = f"it cannot build for the compute capability {', '.join(unknown)}"
        raise EngineUnavailable(ENGINE, problem, "it knows " + ", ".join(CAPABILITIES))
    logger = collecting_logger(rtx)
    builder = rtx.Builder(logger)
    network = builder.create_network(0)
    _parse(rtx, logger, network, weights, TURING in capabilities)
    config = builder.create_builder_config()
    # TensorFloat-32 keeps 10 bits of 23: scores were calibrated without it. Speed is fp16's part.
    config.clear_flag(rtx.BuilderFlag.TF32)
    profile = builder.create_optimization_profile()
    profile.set_shape(spec.inputs[0].name, *profile_of(spec))
    config.add_optimization_profile(profile)
    config.num_compute_capabilities = len(capabilities)
    for index, name in enumerate(capabilities):
        wanted = getattr(rtx.ComputeCapability, "SM" + name.replace(".", ""))
        config.set_compute_capability(wanted, index)
    built = builder.build_serialized_network(network, config)
    if built is None:
        raise _refused(weights, logger)
    return _checked(bytes(built), rtx, capabilities)


def collecting_logger(rtx: Any) -> Any:
    """A logger of the package that keeps its complaints in `complaints` and prints nothing."""

    class Logger(rtx.ILogger):  # type: ignore[misc]  # its base is known once it is imported
        def __init__(self) -> None:
            super().__init__()
            self.complaints: list[str] = []

        def log(self, severity: Any, message: str) -> None:
            if severity <= rtx.ILogger.ERROR:
                self.complaints.append(" ".join(message.split()))

    return Logger()


def _parse(rtx: Any, logger: Any, network: Any, weights: Path, turing: bool) -> None:
    try:
        model = buildable(weights, dense_as_convolution=turing)
    except EngineUnavailable:
        raise
    except Exception as exc:  # protobuf's and onnx's errors share no root but Exception
        problem = f"it is no ONNX model ({str(exc).splitlines()[0] if str(exc) else exc!r})"
        raise ModelMismatch(weights, problem, REEXPORT) from exc
    if not rtx.OnnxParser(network, logger).parse(model):
        raise _refused(weights, logger)


def _refused(weights: Path, logger: Any) -> ModelMismatch:
    why = logger.complaints[0] if logger.complaints else "it gives no reason"
    return ModelMismatch(weights, f"TensorRT for RTX cannot build it ({why})", REEXPORT)


def _checked(engine: bytes, rtx: Any, capabilities: Sequence[str]) -> bytes:
    """Read back what was built: an engine that cannot be told from a stale one is of no use."""
    try:
        header = read_header(engine)
    except ValueError as exc:
        raise EngineUnavailable(ENGINE, f"what it built cannot be read: {exc}", INSTALL) from exc
    expected = (rtx.__version__, set(capabilities))
    if (header.release, set(header.capabilities)) != expected:
        problem = f"it built {header} where {expected} was asked for"
        raise EngineUnavailable(ENGINE, problem, INSTALL)
    return engine
