"""What an ablation trains and judges."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch", reason="needs the train extra")

from training.ablation.plan import Plan

pytestmark = pytest.mark.torch

TABLE = """
[ablation]
sets = ["dfdc-calib", "dfdc-calib@vp8=500"]
[ablation.variants."as it is"]
[ablation.variants.rgb]
"network.front" = "rgb"
"""


def plan(path: Path, text: str) -> Plan:
    path.write_text(text)
    return Plan.load(path)


def test_variants_change_the_recipe_that_the_file_is(tmp_path: Path) -> None:
    read = plan(tmp_path / "a.toml", "steps = 7\n" + TABLE)
    recipes = [read.recipe(variant) for variant in read.variants]
    assert [recipe.network.front for recipe in recipes] == ["rgb+srm", "rgb"]
    assert {recipe.steps for recipe in recipes} == {7}
    assert read.sets == ("dfdc-calib", "dfdc-calib@vp8=500")
    assert [variant.folder for variant in read.variants] == ["as-it-is", "rgb"]


def test_another_recipe_may_be_the_base(tmp_path: Path) -> None:
    (tmp_path / "base.toml").write_text("steps = 100\nbatch = 8\n")
    text = "steps = 7\n" + TABLE.replace("[ablation]", '[ablation]\nbase = "base.toml"')
    read = plan(tmp_path / "a.toml", text)
    assert (read.recipe(read.variants[0]).steps, read.recipe(read.variants[0]).batch) == (7, 8)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("steps = 7\n", "table"),
        ("steps = 7\n[ablation]\nsets = ['a']\n", "at least one variant"),
        ("steps = 7\n[ablation.variants.a]\n", "sets"),
        ("steps = 7\n" + TABLE + "[ablation.variants.as-it-is]\n", "apart"),
        ("steps = 7\n" + TABLE.replace('"rgb"', '"sobel"'), "variant rgb: .*front"),
    ],
)  # fmt: skip
def test_a_plan_that_makes_no_sense_is_refused(text: str, named: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=named):
        plan(tmp_path / "a.toml", text)


def test_a_key_that_there_is_not_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="seeds"):
        plan(tmp_path / "a.toml", "steps = 7\n" + TABLE.replace("sets", "seeds = 3\nsets"))
    with pytest.raises(TypeError, match=r"variant rgb: .*stepz"):
        plan(tmp_path / "b.toml", "steps = 7\n" + TABLE + "stepz = 3\n")
