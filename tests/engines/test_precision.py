"""Which of the detector's files is opened: int8 where it is there, current, and computed in."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest

from engines.errors import EngineUnavailable, ModelMismatch
from engines.precision import ENGINES, FLOAT, INT8, Precision, detector_of
from engines.table import ENGINES as ALL
from tests.builders import detector_spec

OTHERS = sorted(set(ALL) - set(ENGINES))


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """A folder with both files' specs, the one made from the other."""
    full = replace(detector_spec(), sha256="f" * 64)
    full.save(tmp_path / f"{FLOAT}.json")
    made = {"quantised_from": full.sha256}
    replace(full, sha256="8" * 64, provenance=made).save(tmp_path / f"{INT8}.json")
    return tmp_path


def chosen(
    weights: Path,
    precision: Precision = "auto",
    engine: str = "auto",
    device: str = "cpu",
    vnni: bool = True,
) -> str:
    return detector_of(weights, precision, engine, device, lambda: vnni)


@pytest.mark.parametrize("engine", ["auto", *ENGINES])
def test_engines_of_the_processor_take_int8_unless_float_is_asked_for(
    weights: Path, engine: str
) -> None:
    assert chosen(weights, engine=engine) == INT8
    assert chosen(weights, "int8", engine) == INT8
    assert chosen(weights, "fp32", engine) == FLOAT


@pytest.mark.parametrize("engine", OTHERS)
def test_all_other_engines_take_float_and_refuse_int8(weights: Path, engine: str) -> None:
    assert chosen(weights, engine=engine) == FLOAT
    with pytest.raises(EngineUnavailable, match=r"no int8 on 'cpu'.*onnxruntime or openvino"):
        chosen(weights, "int8", engine)


def test_a_gpu_takes_float(weights: Path) -> None:
    assert chosen(weights, device="cuda:0") == FLOAT
    with pytest.raises(EngineUnavailable, match="no int8 on 'cuda:0'"):
        chosen(weights, "int8", device="cuda:0")


def test_a_processor_without_sums_of_byte_products_takes_int8_when_told_to(weights: Path) -> None:
    assert chosen(weights, vnni=False) == FLOAT
    assert chosen(weights, "int8", vnni=False) == INT8


def test_where_there_is_no_int8_file_float_runs_and_int8_is_refused(weights: Path) -> None:
    (weights / f"{INT8}.json").unlink()
    assert chosen(weights) == FLOAT
    with pytest.raises(ModelMismatch, match="there is no such spec"):
        chosen(weights, "int8")


def test_the_int8_form_of_a_detector_that_was_replaced_does_not_serve(weights: Path) -> None:
    replace(detector_spec(), sha256="a" * 64).save(weights / f"{FLOAT}.json")
    assert chosen(weights) == FLOAT
    with pytest.raises(ModelMismatch, match="made from another float file"):
        chosen(weights, "int8")


def test_a_broken_spec_is_told(weights: Path) -> None:
    (weights / f"{INT8}.json").write_text("{", encoding="utf-8")
    with pytest.raises(ModelMismatch, match="no readable JSON"):
        chosen(weights)
    assert chosen(weights, "fp32") == FLOAT


def test_every_precision_has_a_case_above() -> None:
    assert set(get_args(Precision)) == {"auto", "fp32", "int8"}
