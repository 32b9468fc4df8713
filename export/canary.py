"""Write what each model answers to the canary into its spec; the weight file stays as it is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from engines.canary import canary_numbers, canary_picture
from engines.spec import ModelSpec
from engines.table import open_engine


def write_canary(spec_path: Path) -> None:
    """Put the canary's numbers into the spec at `spec_path`, as ONNX Runtime computes them.

    ONNX Runtime on the processor is the reference of every engine: a build for another runtime
    keeps the numbers of the ONNX file that it was made from.

    Raises: EngineError when the model cannot be opened or run.
    """
    with open_engine("onnxruntime", spec_path) as engine:
        numbers = canary_numbers(engine.infer(canary_picture(engine.spec)))
    replace(ModelSpec.load(spec_path), canary=numbers).save(spec_path)
