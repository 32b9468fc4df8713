"""The trainer, its schedule, and the command that runs it."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the train extra")
pytest.importorskip("timm", reason="needs the train extra")

from tests.training.sample_data import write_data  # noqa: E402  after the skips
from training.data import Draws, load_faces  # noqa: E402
from training.fit import Phase, Recipe, Trainer, batches  # noqa: E402
from training.network import Detector, NetworkConfig  # noqa: E402
from training.run import IMAGENET, fit  # noqa: E402

pytestmark = pytest.mark.torch

RECIPE = Recipe(
    steps=6,
    batch=4,
    phases=(Phase(0.5, 32), Phase(1.0, 64)),
    dfdc_pastes=2,
    network=NetworkConfig(size_px=64),
)


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    """Barriers between threads cost more than these small networks on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_data(tmp_path_factory.mktemp("data"), per_class=10)
    (folder / "weights").mkdir()
    state = Detector(RECIPE.network).trunk.state_dict()
    arrays = {key: value.numpy() for key, value in state.items() if "num_batches" not in key}
    np.savez(folder / "weights" / IMAGENET, allow_pickle=False, **arrays)
    return folder


@pytest.fixture(scope="module")
def draws(data: Path) -> Draws:
    return Draws(load_faces(data, "train"), RECIPE.seed, RECIPE.dfdc_pastes)


def trainer(recipe: Recipe = RECIPE) -> Trainer:
    torch.manual_seed(0)
    return Trainer(recipe, Detector(recipe.network))


def test_a_recipe_survives_its_own_dictionary_and_toml(tmp_path: Path) -> None:
    assert Recipe.parse(asdict(RECIPE)) == RECIPE
    file = tmp_path / "r.toml"
    file.write_text("steps = 5\nphases = [{until = 1.0, size_px = 96}]\n[network]\ndropout = 0.5\n")
    read = Recipe.load(file)
    assert (read.steps, read.phases[0].size_px, read.network.dropout) == (5, 96, 0.5)


def test_a_key_that_there_is_not_is_an_error() -> None:
    with pytest.raises(TypeError, match="stepz"):
        Recipe.parse({"stepz": 5})


def test_the_shipped_recipe_can_be_read() -> None:
    shipped = Recipe.load(Path(__file__).parents[2] / "training" / "first.toml")
    assert shipped.phases[-1] == Phase(1.0, 224)


def test_a_run_that_stops_and_resumes_gives_equal_weights(draws: Draws) -> None:
    whole = trainer()
    for batch in batches(draws, whole):
        whole.advance(batch)
    first = trainer()
    source = batches(draws, first)
    for _ in range(2):
        first.advance(next(source))
    source.close()
    second = trainer(replace(RECIPE))
    second.restore(first.state())
    for batch in batches(draws, second):
        second.advance(batch)
    assert second.step == whole.step == RECIPE.steps
    for key, value in whole.network.state_dict().items():
        torch.testing.assert_close(second.network.state_dict()[key], value, rtol=0, atol=0)
        torch.testing.assert_close(second.average[key], whole.average[key], rtol=0, atol=0)


def test_the_rate_warms_up_and_falls_to_almost_nothing(draws: Draws) -> None:
    run = trainer(replace(RECIPE, steps=8, warm_up=0.3, phases=(Phase(1.0, 32),)))
    rates = [run.advance(batch)["rate"] for batch in batches(draws, run)]
    assert rates[0] < rates[1] < rates[3]
    assert max(rates) <= RECIPE.trunk_rate
    assert rates[-1] < 0.1 * max(rates)


def test_phases_change_the_picture_size(draws: Draws) -> None:
    run = trainer()
    sizes = []
    for batch in batches(draws, run):
        sizes.append(batch.pixels.shape[1])
        run.advance(batch)
    assert sizes == sorted(sizes)
    assert set(sizes) <= {32, 64}


def test_a_budget_ends_the_run_early(draws: Draws) -> None:
    run = trainer(replace(RECIPE, steps=1000, budget_s=1e-3))
    assert len([run.advance(batch) for batch in batches(draws, run)]) == 1


def test_the_average_lies_between_start_and_end(draws: Draws) -> None:
    run = trainer()
    start = run.average["classify.weight"].clone()
    for batch in batches(draws, run):
        run.advance(batch)
    end, mean = run.network.classify.weight.detach(), run.average["classify.weight"]
    assert 0 < (mean - start).norm() < 2 * (end - start).norm()
    assert not torch.equal(mean, end)


def test_the_command_resumes_and_leaves_what_export_needs(data: Path, tmp_path: Path) -> None:
    recipe = replace(RECIPE, steps=10, phases=(Phase(1.0, 64),), evaluate_every=0.5)
    fit(recipe, data, tmp_path / "run", threads=1)
    finished = torch.load(tmp_path / "run" / "detector.pt", weights_only=True)
    assert finished["facts"]["steps"] == 10
    assert finished["facts"]["examples"] == 10 * 4
    assert finished["crop"]["size_px"] == 224
    assert finished["calibration"]["temperature"] > 0
    scores = rows(tmp_path / "run" / "scores.csv")
    assert [0 <= float(row["auc"]) <= 1 for row in scores] == [True, True]
    fit(recipe, data, tmp_path / "run", threads=1)  # finished: nothing is left to train
    assert len(rows(tmp_path / "run" / "log.csv")) == 1


def rows(path: Path) -> list[dict[str, Any]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))
