"""Searching for a recipe's best numbers."""

from __future__ import annotations

import signal
import tomllib
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="needs the train extra")
optuna = pytest.importorskip("optuna", reason="needs the train extra")

from training import search as searching  # noqa: E402  after the skips
from training.fitting.errors import Stopped  # noqa: E402
from training.fitting.faces import Faces  # noqa: E402
from training.fitting.recipe import Recipe  # noqa: E402
from training.fitting.run import Machine  # noqa: E402
from training.search import Search, find_best  # noqa: E402

pytestmark = pytest.mark.torch

BODY = {"steps": 10, "network": {"dropout": 0.2}}
RANGES: dict[str, dict[str, Any]] = {
    "trunk_rate": {"low": 1e-4, "high": 1e-2, "log": True},
    "network.dropout": {"choices": [0.0, 0.5]},
    "batch": {"low": 2, "high": 8, "step": 2},
}
MACHINE = Machine(1, 0, show=False)
NOBODY: Any = None


class Runs:
    """Stands for training: the AUC is higher for smaller rates and for dropout."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.folders: list[str] = []
        self.recipes: list[Recipe] = []
        self.stop_at = -1
        patch.setattr(searching, "fit_faces", self.fit)
        patch.setattr(searching, "read_checkpoint", self.read)

    def fit(
        self, recipe: Recipe, faces: Faces, imagenet: Path, out: Path, machine: Machine, watch: Any
    ) -> Path:
        del faces, imagenet, machine
        self.folders.append(out.name)
        self.recipes.append(recipe)
        if len(self.recipes) == self.stop_at:
            raise Stopped(signal.SIGTERM, 3)
        for evaluation in (1, 2, 3):
            watch(evaluation, self.auc(recipe))
        return out

    def read(self, path: Path) -> dict[str, Any]:
        recipe = self.recipes[self.folders.index(path.name)]
        return {"facts": {"calib": {"auc": self.auc(recipe)}}}

    @staticmethod
    def auc(recipe: Recipe) -> float:
        return 0.9 - 10 * recipe.trunk_rate + 0.05 * (recipe.network.dropout == 0.5)


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Runs:
    return Runs(monkeypatch)


def test_the_best_of_the_trials_is_found_and_written(runs: Runs, tmp_path: Path) -> None:
    study = find_best(Search(BODY, RANGES, 8), NOBODY, NOBODY, tmp_path, MACHINE)
    best = max(runs.recipes, key=runs.auc)
    assert study.best_value == pytest.approx(runs.auc(best))
    written = Recipe.parse(tomllib.loads((tmp_path / "best.toml").read_text()))
    assert (written.steps, written.network.dropout) == (10, best.network.dropout)
    assert written.trunk_rate == pytest.approx(best.trunk_rate)
    assert all(1e-4 <= recipe.trunk_rate <= 1e-2 for recipe in runs.recipes)
    assert {recipe.batch % 2 for recipe in runs.recipes} == {0}


def test_trials_below_the_median_are_pruned(runs: Runs, tmp_path: Path) -> None:
    study = find_best(Search(BODY, RANGES, 12), NOBODY, NOBODY, tmp_path, MACHINE)
    assert study.get_trials(states=(optuna.trial.TrialState.PRUNED,))


def test_a_second_call_makes_only_the_trials_that_are_missing(runs: Runs, tmp_path: Path) -> None:
    find_best(Search(BODY, RANGES, 3), NOBODY, NOBODY, tmp_path, MACHINE)
    find_best(Search(BODY, RANGES, 3), NOBODY, NOBODY, tmp_path, MACHINE)
    assert len(runs.recipes) == 3
    find_best(Search(BODY, RANGES, 5), NOBODY, NOBODY, tmp_path, MACHINE)
    assert len(runs.recipes) == 5
    rates = {recipe.trunk_rate for recipe in runs.recipes}
    assert len(rates) == 5


def test_a_stopped_trial_goes_on_in_its_folder_with_its_values(runs: Runs, tmp_path: Path) -> None:
    runs.stop_at = 2
    with pytest.raises(Stopped):
        find_best(Search(BODY, RANGES, 3), NOBODY, NOBODY, tmp_path, MACHINE)
    find_best(Search(BODY, RANGES, 3), NOBODY, NOBODY, tmp_path, MACHINE)
    assert runs.folders == ["trial-000", "trial-001", "trial-001", "trial-003"]
    assert runs.recipes[1] == runs.recipes[2]


def test_a_killed_trial_does_too(runs: Runs, tmp_path: Path) -> None:
    study = searching.open_study(tmp_path, 0)
    killed = study.ask()
    rate = Search(BODY, RANGES).suggest(killed)["trunk_rate"]
    killed.set_user_attr(searching.FOLDER, "trial-000")
    find_best(Search(BODY, RANGES, 1), NOBODY, NOBODY, tmp_path, MACHINE)
    assert runs.folders == ["trial-000"]
    assert runs.recipes[0].trunk_rate == pytest.approx(rate)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("steps = 1", r"\[search\]"),
        ("steps = 1\n[search]\nranges = {}", "range"),
        ("steps = 1\n[search]\ntrials = 0\n[search.ranges]\nbatch = {choices = [2]}", "trial"),
        ("steps = 1\n[search.ranges]\nbatch = {low = 2}", "batch"),
        ("steps = 0\n[search.ranges]\nbatch = {choices = [2]}", "steps"),
    ],
)
def test_a_search_that_makes_no_sense_is_refused(text: str, named: str, tmp_path: Path) -> None:
    path = tmp_path / "search.toml"
    path.write_text(text)
    with pytest.raises(ValueError, match=named):
        Search.load(path)


def test_the_folder_of_a_search_holds_its_storage(runs: Runs, tmp_path: Path) -> None:
    find_best(Search(BODY, RANGES, 1), NOBODY, NOBODY, tmp_path, MACHINE)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["best.toml", "search.db"]
