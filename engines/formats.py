"""Which formats an engine takes, and what to do about weights in another one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from engines.errors import ModelMismatch
from engines.spec import ModelSpec

DETECTOR: Final = "detector"
"""The model that `python -m export detector` writes; all others come from ``mtcnn``."""


def check_format(engine: str, spec: ModelSpec, weights: Path, takes: Sequence[str]) -> None:
    """Refuse weights in a format that `engine` does not take; the first in `takes` is its own.

    Raises: ModelMismatch that names the export to run.
    """
    if spec.format in takes:
        return
    command = DETECTOR if spec.name == DETECTOR else "mtcnn"
    problem = f"its format is {spec.format!r}, the engine {engine!r} takes {' or '.join(takes)}"
    remedy = (
        f"run `python -m export {command} --format {takes[0]}` and give the folder that it names "
        "with --set engine.weights=FOLDER"
    )
    raise ModelMismatch(weights, problem, remedy)
