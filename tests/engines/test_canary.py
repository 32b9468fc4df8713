"""The canary: a known answer tells a sick engine from a well one."""

from __future__ import annotations

import shutil
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from engines.base import Outputs
from engines.canary import CanaryResult, Timer, canary_numbers, canary_picture, check_canary
from engines.errors import InferenceFailed
from engines.hardware import multiplies_bytes
from engines.opened import OpenedEngine
from engines.precision import INT8
from engines.spec import ModelSpec
from engines.table import open_engine
from stream.config import REPOSITORY
from tests.builders import detector_spec

SPECS = [
    path
    for path in sorted((REPOSITORY / "weights").glob("*.json"))
    if path.stem != INT8 or multiplies_bytes()
]
ANSWER = {"logit": (1.5,), "heatmap": (0.5,) * 8}
SPEC = replace(detector_spec(), canary=ANSWER)


class Patient(OpenedEngine):
    """Answers `logit` to everything; off the processor, unless told otherwise."""

    def __init__(self, spec: ModelSpec = SPEC, logit: float = 1.5, device: str = "cuda:0") -> None:
        super().__init__(spec, provider="Abacus", device=device)
        self.logit = logit
        self.fails = False

    def _run(self, values: NDArray[Any]) -> list[NDArray[Any]]:
        if self.fails:
            raise RuntimeError("out of beads")
        return [np.full(1, self.logit), np.full((1, 14, 14), 0.5)]

    def _release(self) -> None:
        pass

    def falls_to(self, provider: str) -> None:
        self._provider = provider


def ticking(seconds: float) -> Timer:
    """A timer by which each run takes `seconds`."""
    ticks = count()
    return lambda: next(ticks) * seconds


def test_a_well_engine_is_ok_and_says_how_long_it_took() -> None:
    assert check_canary(Patient(), ticking(0.25)) == CanaryResult(True, "", 0.25, "Abacus")


def test_the_quickest_run_is_the_time() -> None:
    ticks = iter([0.0, 9.0, 10.0, 12.0, 20.0, 27.0])
    assert check_canary(Patient(), lambda: next(ticks)).seconds == 2.0


@pytest.mark.parametrize("logit", [1.4, 1.6, float("nan"), float("inf")])
def test_another_answer_is_told_with_the_right_one(logit: float) -> None:
    found = check_canary(Patient(logit=logit), ticking(1))
    assert not found.ok
    assert found.problem == f"canary: detector gave logit {logit:.4g} in place of 1.5"


@pytest.mark.parametrize(
    ("precision", "logit", "ok"),
    [("fp32", 1.51, True), ("fp32", 1.6, False), ("fp16", 1.6, True), ("fp16", 1.8, False),
     ("int8", 2.0, True), ("int8", 2.5, False)],
)  # fmt: skip
def test_how_much_it_may_differ_depends_on_the_precision(
    precision: Any, logit: float, ok: bool
) -> None:
    spec = replace(SPEC, precision=precision)
    assert check_canary(Patient(spec, logit), ticking(1)).ok == ok


@pytest.mark.parametrize("logit", [0.0, float("nan")])
def test_weights_without_a_canary_must_at_least_give_numbers(logit: float) -> None:
    found = check_canary(Patient(detector_spec(), logit), ticking(1))
    assert found.ok == (logit == 0.0)


def test_an_answer_of_another_size_is_a_problem() -> None:
    spec = replace(SPEC, canary={"logit": (1.5, 1.5)})
    assert (
        check_canary(Patient(spec), ticking(1)).problem
        == "canary: detector gave 1 numbers of 'logit'"
    )


def test_an_engine_that_fails_is_a_problem_and_raises_nothing() -> None:
    engine = Patient()
    engine.fails = True
    found = check_canary(engine, ticking(1))
    assert found.problem == str(InferenceFailed("detector", "out of beads"))
    assert not found.ok


def test_another_provider_than_at_first_is_a_fall() -> None:
    engine = Patient()
    first = check_canary(engine, ticking(1))
    engine.falls_to("CPUExecutionProvider")
    found = check_canary(engine, ticking(1), first)
    assert found.problem == "canary: CPUExecutionProvider runs in place of Abacus"


@pytest.mark.parametrize(
    ("device", "seconds", "problem"),
    [
        ("cuda:0", 3.0, ""),
        ("cuda:0", 20.0, "canary: detector takes 20 times as long as at the start"),
        ("cpu", 20.0, ""),
    ],
)
def test_a_gpu_that_takes_a_processors_time_has_fallen(
    device: str, seconds: float, problem: str
) -> None:
    engine = Patient(device=device)
    first = check_canary(engine, ticking(1))
    assert check_canary(engine, ticking(seconds), first).problem == problem


def test_the_picture_is_the_same_for_ever_and_has_structure() -> None:
    picture = canary_picture(detector_spec())
    assert picture.shape == (1, *detector_spec().inputs[0].shape[1:])
    assert picture.dtype == np.uint8
    assert picture[0, 0, :3].tolist() == [[59, 122, 172], [54, 95, 155], [79, 102, 181]]
    assert 20 < picture.std() < 80


def test_free_sides_get_a_fixed_size() -> None:
    spec = ModelSpec.load(REPOSITORY / "weights" / "pnet.json")
    assert canary_picture(spec).shape == (1, 64, 64, 3)


def test_numbers_are_taken_evenly_from_each_output() -> None:
    outputs: Outputs = {
        "a": np.arange(15, dtype=np.float32).reshape(3, 5),
        "b": np.ones(1, np.float32),
    }
    assert canary_numbers(outputs) == {
        "a": (0.0, 2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 14.0),
        "b": (1.0,),
    }


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_every_model_that_ships_knows_its_answer(path: Path) -> None:
    with open_engine("onnxruntime", path) as engine:
        assert engine.spec.canary
        assert check_canary(engine, ticking(1)).ok


def test_another_network_under_the_same_spec_does_not_pass(tmp_path: Path) -> None:
    spec = ModelSpec.load(REPOSITORY / "weights" / "rnet.json")
    assert spec.canary
    wrong = {name: tuple(value + 0.02 for value in values) for name, values in spec.canary.items()}
    replace(spec, canary=wrong).save(tmp_path / "rnet.json")
    shutil.copy(REPOSITORY / "weights" / "rnet.onnx", tmp_path)
    with open_engine("onnxruntime", tmp_path / "rnet.json") as engine:
        assert "canary: rnet gave" in check_canary(engine, ticking(1)).problem
