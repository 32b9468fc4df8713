"""The recipe: what a TOML file may say."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from tests.training.small_run import RECIPE
from training.fitting.recipe import Phase, Recipe, Teacher

pytestmark = pytest.mark.torch


def test_a_recipe_survives_its_own_dictionary() -> None:
    full = replace(RECIPE, teacher=Teacher("large.pt", weight=0.5), patience=3)
    assert Recipe.parse(asdict(full)) == full


def test_tables_of_a_file_are_read(tmp_path: Path) -> None:
    file = tmp_path / "r.toml"
    file.write_text(
        "steps = 5\nphases = [{until = 1.0, size_px = 96}]\n"
        "[network]\nfront = 'bayar'\n[mix]\nnative = 0.25\n[teacher]\ncheckpoint = 'large.pt'\n"
    )
    read = Recipe.load(file)
    assert (read.steps, read.phases) == (5, (Phase(1.0, 96),))
    assert (read.network.front, read.mix.native) == ("bayar", 0.25)
    assert read.teacher == Teacher("large.pt")


@pytest.mark.parametrize(
    "body", [{"stepz": 5}, {"network": {"depth": 3}}, {"mix": {"salt": 1}}, {"teacher": {}}]
)
def test_a_key_that_there_is_not_is_an_error(body: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match=r"stepz|depth|salt|checkpoint"):
        Recipe.parse({"steps": 1} | body)


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"steps": 0}, "steps"),
        ({"batch": 3}, "batch"),
        ({"precision": "fp8"}, "precision"),
        ({"phases": []}, "phase"),
        ({"phases": [{"until": 1.0, "size_px": 100}]}, "32"),
        ({"evaluate_every": 0.0}, "evaluate_every"),
        ({"teacher": {"checkpoint": "t.pt", "weight": 2.0}}, "teacher"),
        ({"network": {"front": "sobel"}}, "front"),
    ],
)
def test_a_value_that_makes_no_sense_is_an_error(body: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        Recipe.parse({"steps": 1} | body)


@pytest.mark.parametrize(
    "path", sorted((Path(__file__).parents[3] / "training").rglob("*.toml")), ids=lambda p: p.name
)
def test_every_recipe_that_is_kept_can_be_read(path: Path) -> None:
    if path.name not in ("search.toml", "ablation.toml"):
        assert Recipe.load(path).steps > 0
