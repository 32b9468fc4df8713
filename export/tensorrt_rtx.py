"""ONNX -> an engine of TensorRT for RTX, built ahead of time with or without a GPU."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from engines.errors import ModelMismatch
from engines.rtx_builder import FORMAT, build_engine, profile_of
from engines.rtx_header import PORTABLE, holds_profile, read_header
from engines.spec import REEXPORT, ModelSpec
from export.sources import derived, onnx_sources, onnx_spec, written_whole


def export_models(parsed: argparse.Namespace, out: Path) -> Iterator[str]:
    """Export what the command line asks for; give a line on each file.

    Raises: as `export_rtx`; and as `export.detector.export_detector` for a checkpoint, which
    becomes an ONNX file of its precision first.
    """
    capabilities = [name.strip() for name in parsed.capabilities.split(",")]
    with onnx_sources(parsed) as sources:
        for source in sources:
            spec = export_rtx(source, out, capabilities)
            size = (out / spec.file).stat().st_size
            yield f"wrote {out / spec.file}: {size} bytes for {', '.join(capabilities)}"


def export_rtx(source: Path, out: Path, capabilities: Sequence[str] = PORTABLE) -> ModelSpec:
    """Build the ONNX model whose spec is `source`; write ``NAME.rtx`` and ``NAME.json`` to `out`.

    The engine's header and its profile are read back before anything is written. What it computes
    can be compared on an RTX GPU only: `engines.canary` does so when it is opened.

    Raises: ModelMismatch for a spec, a file or a model that cannot be built; EngineUnavailable
    without the package; OSError.
    """
    spec = onnx_spec(source)
    engine = build_engine(spec, spec.verify(source), capabilities)
    if not holds_profile(engine, profile_of(spec)):
        raise ModelMismatch(source, "the engine built lacks the profile asked for", REEXPORT)
    with written_whole(spec, "rtx", out) as file:
        file.write_bytes(engine)
        built = derived(spec, file, FORMAT, _facts(spec, engine))
        built.save(file.with_suffix(".json"))
    return built


def _facts(source: ModelSpec, engine: bytes) -> dict[str, Any]:
    header = read_header(engine)
    return {
        "runtime": f"TensorRT for RTX {header.release}",
        "compute_capabilities": list(header.capabilities),
        "profile": [list(shape) for shape in profile_of(source)],
    }
