"""The engines' errors: what is wrong with what, and what to do about it."""

from __future__ import annotations

from pathlib import Path

import pytest

from engines.errors import EngineError, EngineUnavailable, InferenceFailed, ModelMismatch

UNAVAILABLE = EngineUnavailable("openvino", "the package is missing", "pip install openvino")
MISMATCH = ModelMismatch(Path("weights/a.onnx"), "it is corrupt", "fetch it again")
FAILED = InferenceFailed("detector", "out of memory")


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (UNAVAILABLE, "engine 'openvino': the package is missing; pip install openvino"),
        (MISMATCH, "model weights/a.onnx: it is corrupt; fetch it again"),
        (FAILED, "inference with 'detector' failed: out of memory"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_error_speaks_in_a_sentence(error: EngineError, sentence: str) -> None:
    assert str(error) == sentence
    assert isinstance(error, EngineError)


def test_an_error_holds_its_facts() -> None:
    assert (UNAVAILABLE.engine, UNAVAILABLE.remedy) == ("openvino", "pip install openvino")
    assert (MISMATCH.path, MISMATCH.problem) == (Path("weights/a.onnx"), "it is corrupt")
    assert (FAILED.model, FAILED.problem) == ("detector", "out of memory")
