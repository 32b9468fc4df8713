"""What the other formats are made from, an ONNX model with its spec, and how they are written."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from engines.errors import ModelMismatch
from engines.spec import ModelSpec, sha256_of

MODELS: Final[Mapping[str, Sequence[str]]] = {
    "detector": ("detector",),
    "mtcnn": ("pnet", "rnet", "onet"),
}
"""The models that each command exports."""


@contextmanager
def onnx_sources(parsed: argparse.Namespace) -> Iterator[list[Path]]:
    """The specs of the ONNX models that the command line names.

    A checkpoint becomes an ONNX file first, which is gone at the end.

    Raises: as `export.detector.export_detector`, for a checkpoint.
    """
    if getattr(parsed, "checkpoint", None) is None:
        yield specs_at(parsed.command, parsed.from_onnx)
        return
    # Imported when named: from ONNX, no torch may be needed.
    module = import_module("export.detector")
    with tempfile.TemporaryDirectory() as folder:
        module.export_detector(parsed.checkpoint, parsed.precision, Path(folder))
        yield specs_at(parsed.command, Path(folder))


def specs_at(command: str, origin: Path) -> list[Path]:
    """The specs of a command's models in the folder `origin`, or the one of the file `origin`."""
    if origin.is_file():
        return [origin.with_suffix(".json")]
    return [origin / f"{name}.json" for name in MODELS[command]]


def onnx_spec(source: Path) -> ModelSpec:
    """Read the spec of an ONNX file.

    Raises: ModelMismatch, also for one of another format.
    """
    spec = ModelSpec.load(source)
    if spec.format != "onnx":
        problem = f"its format is {spec.format!r}, other formats are made from ONNX"
        raise ModelMismatch(source, problem, "name an ONNX file with --from-onnx")
    return spec


def derived(source: ModelSpec, file: Path, format_: str, facts: Mapping[str, Any]) -> ModelSpec:
    """The spec of `file`, made from `source`'s; `facts` say how. The canary's numbers stay: the
    ONNX file's are the reference for all that is made from it.
    """
    built = {"from": source.file, "from_sha256": source.sha256, **facts}
    return replace(
        source,
        file=file.name,
        sha256=sha256_of(file),
        format=format_,
        provenance={**source.provenance, "built": built},
    )


@contextmanager
def written_whole(spec: ModelSpec, suffix: str, out: Path) -> Iterator[Path]:
    """A path to write the model to, its spec beside it; both appear in `out` if nothing raises."""
    made = not out.exists()
    out.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(dir=out) as folder:
            file = Path(folder) / f"{spec.name}.{suffix}"
            yield file
            for path in (file, file.with_suffix(".json")):
                path.replace(out / path.name)
    except BaseException:
        if made:
            out.rmdir()  # empty: whatever it was, nothing was written
        raise
