"""Which of the detector's files is opened: the one in float, or the one in int8 beside it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal

from engines.errors import EngineUnavailable, ModelMismatch
from engines.hardware import multiplies_bytes
from engines.spec import ModelSpec
from engines.table import AUTO

Precision = Literal["auto", "fp32", "int8"]

FLOAT: Final = "detector"
INT8: Final = "detector.int8"
ENGINES: Final = ("onnxruntime", "openvino")
"""Those that compute in int8; all others run the float file."""


def computes_int8(engine: str, device: str) -> bool:
    """Whether `engine`, which may be ``auto``, runs the int8 file on `device`."""
    return engine in (AUTO, *ENGINES) and device == "cpu"


def detector_of(
    weights: Path,
    precision: Precision,
    engine: str,
    device: str,
    multiplies: Callable[[], bool] = multiplies_bytes,
) -> str:
    """Give the name of the detector's spec in the folder `weights`, without ``.json``.

    ``auto`` takes int8 where it is there, made from the float file beside it, and the engine and
    the processor compute in it; without the instructions it would be slower, and sums of products
    that saturate at 16 bits would give other scores.

    Raises: EngineUnavailable and ModelMismatch for ``int8`` that cannot be had.
    """
    if precision == "fp32":
        return FLOAT
    runs = computes_int8(engine, device)
    if precision == "auto":
        there = (weights / f"{INT8}.json").is_file()
        return INT8 if runs and there and multiplies() and _is_current(weights) else FLOAT
    if not runs:
        remedy = f"use --device cpu with {' or '.join(ENGINES)}, or engine.precision=auto"
        raise EngineUnavailable(engine, f"it has no int8 on {device!r}", remedy)
    if not _is_current(weights):
        problem = "it was made from another float file than the one beside it"
        remedy = "run `python -m export detector --precision int8`, or use engine.precision=fp32"
        raise ModelMismatch(weights / f"{INT8}.json", problem, remedy)
    return INT8


def _is_current(weights: Path) -> bool:
    """A detector that was replaced shall not leave its int8 form behind to serve for it."""
    small, full = (ModelSpec.load(weights / f"{name}.json") for name in (INT8, FLOAT))
    return small.provenance.get("quantised_from") == full.sha256
