"""Does an opened model take and give what its spec says? The same words for every runtime."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from engines.errors import ModelMismatch
from engines.spec import REEXPORT, ModelSpec

Shapes = Mapping[str, Sequence[Any]]
"""Tensor name -> its sizes; whatever is no whole number is a dynamic one."""


def check_signature(spec: ModelSpec, weights: Path, inputs: Shapes, outputs: Shapes) -> None:
    """Compare names and shapes with the spec's.

    Raises: ModelMismatch that names the first difference.
    """
    for kind, tensors, actual in (
        ("inputs", spec.inputs, inputs),
        ("outputs", spec.outputs, outputs),
    ):
        expected = {tensor.name: tensor.shape for tensor in tensors}
        if actual.keys() != expected.keys():
            problem = f"its {kind} are {sorted(actual)}, its spec says {sorted(expected)}"
            raise ModelMismatch(weights, problem, REEXPORT)
        for name, shape in expected.items():
            if not _same_shape(actual[name], shape):
                problem = f"{name!r} has shape {list(actual[name])}, its spec says {list(shape)}"
                raise ModelMismatch(weights, problem, REEXPORT)


def _same_shape(actual: Sequence[Any], expected: tuple[int | str, ...]) -> bool:
    """Fixed sizes must be equal; a dynamic one may bear any name."""
    return len(actual) == len(expected) and all(
        size == wanted or (isinstance(wanted, str) and not isinstance(size, int))
        for size, wanted in zip(actual, expected, strict=True)
    )
