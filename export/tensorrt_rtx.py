"""ONNX -> an engine of TensorRT for RTX, built ahead of time with or without a GPU."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Final

from engines.errors import ModelMismatch
from engines.package import installed_version
from engines.rtx_builder import FORMAT, build_engine, profile_of
from engines.rtx_header import PORTABLE, holds_profile, read_header
from engines.spec import REEXPORT, ModelSpec, sha256_of

MODELS: Final[Mapping[str, Sequence[str]]] = {
    "detector": ("detector",),
    "mtcnn": ("pnet", "rnet", "onet"),
}
DISTRIBUTIONS: Final = ("tensorrt-rtx-cu13", "tensorrt-rtx-cu12", "tensorrt-rtx")


def export_models(parsed: argparse.Namespace, out: Path) -> Iterator[str]:
    """Export what the command line asks for; give a line on each file.

    Raises: as `export_rtx`; and as `export.detector.export_detector` for a checkpoint, which
    becomes an ONNX file of its precision first.
    """
    capabilities = [name.strip() for name in parsed.capabilities.split(",")]
    with tempfile.TemporaryDirectory() as folder:
        origin = parsed.from_onnx
        if getattr(parsed, "checkpoint", None):
            # Imported when named: from ONNX, no torch is needed.
            module = import_module("export.detector")
            origin = Path(folder)
            module.export_detector(parsed.checkpoint, parsed.precision, origin)
        for source in onnx_specs(parsed.command, origin):
            spec = export_rtx(source, out, capabilities)
            size = (out / spec.file).stat().st_size
            yield f"wrote {out / spec.file}: {size} bytes for {', '.join(capabilities)}"


def onnx_specs(command: str, origin: Path) -> list[Path]:
    """The specs of a command's ONNX models: those in the folder `origin`, or the file's own."""
    if origin.is_file():
        return [origin.with_suffix(".json")]
    return [origin / f"{name}.json" for name in MODELS[command]]


def export_rtx(source: Path, out: Path, capabilities: Sequence[str] = PORTABLE) -> ModelSpec:
    """Build the ONNX model whose spec is `source`; write ``NAME.rtx`` and ``NAME.json`` to `out`.

    The engine's header and its profile are read back before anything is written. What it computes
    can be compared on an RTX GPU only: `engines.canary` does so when it is opened.

    Raises: ModelMismatch for a spec, a file or a model that cannot be built; EngineUnavailable
    without the package; OSError.
    """
    spec = ModelSpec.load(source)
    if spec.format != "onnx":
        problem = f"it is in the format {spec.format!r}, an engine is built from ONNX"
        raise ModelMismatch(source, problem, "name the spec of an ONNX file")
    engine = build_engine(spec, spec.verify(source), capabilities)
    if not holds_profile(engine, profile_of(spec)):
        raise ModelMismatch(source, "the engine built lacks the profile asked for", REEXPORT)
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out) as folder:
        file = Path(folder) / f"{spec.name}.rtx"
        file.write_bytes(engine)
        built = _spec(spec, file, engine)
        built.save(file.with_suffix(".json"))
        for path in (file, file.with_suffix(".json")):
            path.replace(out / path.name)
    return built


def _spec(source: ModelSpec, file: Path, engine: bytes) -> ModelSpec:
    header = read_header(engine)
    built = {
        "from": source.file,
        "from_sha256": source.sha256,
        "runtime": f"TensorRT for RTX {header.release}",
        "packages": {n: v for n in DISTRIBUTIONS if (v := installed_version(n)) != "none"},
        "compute_capabilities": list(header.capabilities),
        "profile": [list(shape) for shape in profile_of(source)],
    }
    return replace(
        source,
        file=file.name,
        sha256=sha256_of(file),
        format=FORMAT,
        provenance={**source.provenance, "built": built},
    )
