"""Engines of TensorRT for RTX, really built: no GPU is needed for that."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

rtx: Any = pytest.importorskip("tensorrt_rtx", reason="needs the tensorrt-rtx extra")
pytest.importorskip("onnx", reason="needs the tensorrt-rtx extra")

from engines.errors import EngineUnavailable, ModelMismatch  # noqa: E402  after the skips
from engines.rtx_builder import build_engine, load_rtx, profile_of  # noqa: E402
from engines.rtx_header import PORTABLE, holds_profile, read_header  # noqa: E402
from engines.spec import ModelSpec  # noqa: E402
from stream.config import REPOSITORY  # noqa: E402

WEIGHTS = REPOSITORY / "weights"


def spec_of(name: str) -> tuple[ModelSpec, Path]:
    spec = ModelSpec.load(WEIGHTS / f"{name}.json")
    return spec, WEIGHTS / spec.file


@pytest.mark.parametrize(
    "capabilities",
    [PORTABLE, ("8.0", "12.0"), ("7.5",)],
    ids=["Ampere to Blackwell", "A100 and Blackwell", "Turing"],
)
@pytest.mark.parametrize("name", ["rnet", "pnet"])
def test_an_engine_is_for_the_capabilities_and_shapes_asked_for(
    name: str, capabilities: tuple[str, ...]
) -> None:
    spec, weights = spec_of(name)
    engine = build_engine(spec, weights, capabilities)
    header = read_header(engine)
    assert header.capabilities == capabilities
    assert header.release == rtx.__version__
    assert holds_profile(engine, profile_of(spec))


def test_the_runtime_sees_an_engine_where_one_is_and_none_where_none_is() -> None:
    runtime = rtx.Runtime(rtx.Logger(rtx.Logger.Severity.INTERNAL_ERROR))
    malformed = int(rtx.EngineInvalidityDiagnostics.MALFORMED_ENGINE)
    spec, weights = spec_of("rnet")
    engine = build_engine(spec, weights)
    # Without a GPU the answer is INVALID either way, only not for the same reason.
    assert not runtime.get_engine_validity(engine)[1] & malformed
    validity, why = runtime.get_engine_validity(weights.read_bytes())
    assert validity == rtx.EngineValidity.INVALID
    assert why & malformed


def test_batches_go_up_to_32_and_free_sides_take_one_picture_at_a_time() -> None:
    assert profile_of(spec_of("detector")[0]) == (
        (1, 160, 160, 3), (8, 160, 160, 3), (32, 160, 160, 3),
    )  # fmt: skip
    assert profile_of(spec_of("pnet")[0]) == (
        (1, 3, 12, 12), (1, 3, 216, 384), (1, 3, 1296, 2304),
    )  # fmt: skip


def test_a_capability_of_another_maker_of_engines_is_refused() -> None:
    with pytest.raises(EngineUnavailable, match=r"capability 9\.0; it knows 7\.5, 8\.0, 8\.6"):
        build_engine(*spec_of("rnet"), ("9.0", "8.6"))


@pytest.mark.parametrize("content", [b"", b"404: not found"], ids=["empty", "text"])
def test_bytes_that_are_no_model_are_a_mismatch(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "rnet.onnx").write_bytes(content)
    with pytest.raises(ModelMismatch, match="no ONNX model") as caught:
        build_engine(spec_of("rnet")[0], tmp_path / "rnet.onnx")
    assert "\n" not in str(caught.value)


def test_what_the_builder_refuses_is_told_in_its_words() -> None:
    spec, weights = spec_of("rnet")
    tensor = replace(spec.inputs[0], shape=("batch", 3, 25, 25))
    with pytest.raises(ModelMismatch, match=r"cannot build it \(.*pixels") as caught:
        build_engine(replace(spec, inputs=(tensor,)), weights)
    assert "\n" not in str(caught.value)


def test_without_the_package_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorrt_rtx", None)
    with pytest.raises(EngineUnavailable) as caught:
        load_rtx()
    assert caught.value.remedy == "pip install deepfakestream[tensorrt-rtx]"
