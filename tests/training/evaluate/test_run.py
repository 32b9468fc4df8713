"""A run: reports on disk, and every look counted."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.training.evaluate.small import ByPixels, brightness
from tests.training.sample_data import write_data
from training.crops import GEOMETRY
from training.evaluate import run
from training.evaluate.measures.evaluation import Plan
from training.evaluate.run import LOG, Order, evaluate
from training.evaluate.scorers import Identity


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("data"), per_class=24)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """Scorers that see stripes; the arguments with which they were opened."""
    calls: list[tuple[Any, ...]] = []

    def open_scorer(path: Path, name: str, threads: int, device: str) -> ByPixels:
        calls.append((path, name, threads, device))
        return ByPixels(_stripes, Identity(name, "ab" * 32, geometry=GEOMETRY))

    monkeypatch.setattr(run, "open_scorer", open_scorer)
    return calls


def _stripes(crop: np.ndarray) -> float:
    """A drawn fake bears stripes: its rows change more than its columns."""
    rows, columns = (np.abs(np.diff(crop.astype(float), axis=axis)).mean() for axis in (0, 1))
    return float(rows - columns) - 5


def order(folder: Path, out: Path, **changes: Any) -> Order:
    values: dict[str, Any] = {
        "models": {"mine": Path("mine.pt")}, "mesonets": [], "lists": ["dfdc-calib"],
        "data": folder, "weights": folder / "weights", "out": out, "rounds": 50, "threads": 1,
        "plan": Plan(control=False, robustness=False),
    }  # fmt: skip
    return Order(**(values | changes))


def looks(out: Path) -> list[dict[str, str]]:
    with (out / LOG).open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_a_run_leaves_three_forms_of_the_same_report(
    folder: Path, tmp_path: Path, opened: list[tuple[Any, ...]]
) -> None:
    (found,) = evaluate(order(folder, tmp_path))
    assert found.models["mine"].figures["AUC"].value == 1
    assert opened == [(Path("mine.pt"), "mine", 1, "cpu")]
    for ending in ("html", "md", "json"):
        assert (tmp_path / f"dfdc-calib.{ending}").stat().st_size > 1000
    body = json.loads((tmp_path / "dfdc-calib.json").read_text())
    assert body["evaluation"]["models"]["mine"]["figures"]["AUC"]["value"] == 1


def test_every_look_at_either_half_is_counted(
    folder: Path, tmp_path: Path, opened: list[tuple[Any, ...]]
) -> None:
    models = {"one": Path("one.pt"), "two": Path("two.pt")}
    for lists in (["dfdc-calib"], ["dfdc", "dfdc-calib"]):
        list(evaluate(order(folder, tmp_path, models=models, lists=lists)))
    rows = looks(tmp_path)
    assert [(row["list"], row["half"], row["model"]) for row in rows] == [
        ("dfdc-calib", "calib", "one"), ("dfdc-calib", "calib", "two"),
        ("dfdc", "report", "one"), ("dfdc", "report", "two"),
        ("dfdc-calib", "calib", "one"), ("dfdc-calib", "calib", "two"),
    ]  # fmt: skip
    assert {row["sha256"] for row in rows} == {"ab" * 32}
    assert {row["auc"] for row in rows} == {"1.0000"}


def test_shuffled_labels_bring_a_perfect_model_to_one_half(
    folder: Path, tmp_path: Path, opened: list[tuple[Any, ...]]
) -> None:
    (found,) = evaluate(order(folder, tmp_path, permute=True))
    figure = found.models["mine"].figures["AUC"]
    assert figure.low <= 0.5 <= figure.high
    assert figure.value < 0.8
    assert looks(tmp_path)[0]["permuted"] == "1"


def test_the_control_learns_from_the_training_split_of_the_same_source(
    folder: Path, tmp_path: Path, opened: list[tuple[Any, ...]]
) -> None:
    wanted = order(folder, tmp_path, plan=Plan(control=True, robustness=False))
    (found,) = evaluate(wanted)
    assert found.sharing is not None
    assert found.sharing.control_from == "the training split"
    assert set(found.sharing.stored) == {"mine", "control"}


def test_a_model_made_for_another_crop_is_noted(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shapes = iter([GEOMETRY, GEOMETRY.__class__(224, 1.3)])
    monkeypatch.setattr(
        run, "open_scorer",
        lambda path, name, *rest: ByPixels(brightness, Identity(name, "", geometry=next(shapes))),
    )  # fmt: skip
    models = {"one": Path("one.pt"), "wide": Path("wide.pt")}
    list(evaluate(order(folder, tmp_path, models=models)))
    facts = json.loads((tmp_path / "dfdc-calib.json").read_text())["facts"]
    assert "another crop" in facts["Note on wide"]
    assert "Note on one" not in facts
