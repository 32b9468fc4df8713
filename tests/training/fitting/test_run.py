"""A whole run: what it leaves, and that stopping it loses nothing."""

from __future__ import annotations

import csv
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="needs the train extra")
pytest.importorskip("lightning", reason="needs the train extra")

import numpy as np  # noqa: E402  after the skips

from tests.training.sample_data import write_data  # noqa: E402
from tests.training.small_run import ALONE, NETWORK, RECIPE, run  # noqa: E402
from training.checkpoint import load_network, predict, read_checkpoint  # noqa: E402
from training.crops import decode  # noqa: E402
from training.examples import Draws  # noqa: E402
from training.fitting import run as running  # noqa: E402
from training.fitting.average import MovingAverage  # noqa: E402
from training.fitting.errors import Stopped  # noqa: E402
from training.fitting.faces import IMAGENET, Faces  # noqa: E402
from training.fitting.recipe import Phase, Teacher  # noqa: E402
from training.fitting.run import Machine, fit, fit_faces  # noqa: E402
from training.network import Detector, Front, NetworkConfig  # noqa: E402

pytestmark = pytest.mark.torch


@pytest.fixture(scope="module")
def whole(faces: Faces, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of `RECIPE`."""
    out = tmp_path_factory.mktemp("whole")
    run(RECIPE, faces, out)
    return out


@contextmanager
def signal_at(step: int, number: int) -> Iterator[None]:
    """Send this process a signal when the batch of `step` is made."""

    class Interrupted(Draws):
        def batch(self, position: int, count: int, size: int) -> Any:
            if position == step * RECIPE.batch:
                os.kill(os.getpid(), number)
            return super().batch(position, count, size)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(running, "Draws", Interrupted)
        yield


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def saved(out: Path) -> dict[str, Any]:
    state: dict[str, Any] = torch.load(out / "checkpoint.pt", weights_only=True)
    return state


def assert_equal(one: Any, other: Any) -> None:
    """All tensors are the same, bit for bit."""
    torch.testing.assert_close(one, other, rtol=0, atol=0)


@pytest.mark.parametrize(
    ("step", "number"), [(0, signal.SIGTERM), (2, signal.SIGINT), (3, signal.SIGTERM)]
)
def test_a_run_that_a_signal_stops_goes_on_to_equal_weights(
    faces: Faces, whole: Path, tmp_path: Path, step: int, number: int
) -> None:
    before = signal.getsignal(number)
    with signal_at(step, number), pytest.raises(Stopped, match="the same command") as stop:
        run(RECIPE, faces, tmp_path)
    assert stop.value.step in ((None,) if step == 0 else (step, step + 1))
    assert not (tmp_path / "detector.pt").exists()
    assert signal.getsignal(number) == before
    run(RECIPE, faces, tmp_path)
    one, other = saved(whole), saved(tmp_path)
    for name in ("state_dict", "current_model_state", "averaging_state", "optimizer_states"):
        assert_equal(other[name], one[name])
    assert other["scores"] == one["scores"]
    assert [row["step"] for row in rows(tmp_path / "calib.csv")] == ["3", "6"]


def test_worker_processes_change_nothing(faces: Faces, whole: Path, tmp_path: Path) -> None:
    run(RECIPE, faces, tmp_path, replace(ALONE, workers=1))
    assert_equal(saved(tmp_path)["state_dict"], saved(whole)["state_dict"])


def test_the_command_leaves_what_export_needs(faces: Faces, whole: Path) -> None:
    finished = read_checkpoint(whole / "detector.pt")
    assert finished["facts"]["steps"] == RECIPE.steps
    assert finished["facts"]["examples"] == RECIPE.steps * RECIPE.batch
    assert finished["crop"]["size_px"] == RECIPE.network.size_px
    assert finished["calibration"]["temperature"] > 0
    network = load_network(finished)
    logits = predict(network, [decode(face) for face in faces.calib])
    assert np.isfinite(logits).all()
    assert_equal(
        saved(whole)["state_dict"]["network.classify.weight"], network.classify.weight.detach()
    )


def test_what_is_evaluated_and_kept_is_the_average(whole: Path) -> None:
    state = saved(whole)
    name = "network.classify.weight"
    assert not torch.equal(state["state_dict"][name], state["current_model_state"][name])
    torch.manual_seed(RECIPE.seed)
    start = Detector(NETWORK).classify.weight.detach()
    apart, last = (state[key][name] - start for key in ("state_dict", "current_model_state"))
    assert 0 < apart.norm() < 2 * last.norm()


def test_a_finished_run_has_nothing_left_to_train(faces: Faces, whole: Path) -> None:
    before = saved(whole)["current_model_state"]
    (whole / "detector.pt").unlink()
    assert run(RECIPE, faces, whole) == whole / "detector.pt"
    assert_equal(saved(whole)["current_model_state"], before)
    assert len(rows(whole / "calib.csv")) == 2


def test_a_budget_ends_the_run_early(faces: Faces, tmp_path: Path) -> None:
    run(replace(RECIPE, steps=1000, budget_s=1e-3, evaluate_every=1.0), faces, tmp_path)
    assert saved(tmp_path)["course"]["step"] <= 3


def test_without_improvement_the_run_ends_and_its_best_weights_are_kept(
    faces: Faces, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A rate of nothing: no evaluation is better than the first.
    still = replace(RECIPE, trunk_rate=0.0, head_rate=0.0, weight_decay=0.0, batch=2)
    recipe = replace(still, steps=20, evaluate_every=0.05, patience=2, phases=(Phase(1.0, 32),))
    monkeypatch.setattr(running, "MovingAverage", Frozen)
    finished = read_checkpoint(run(recipe, faces, tmp_path))
    assert len(rows(tmp_path / "calib.csv")) == 3
    assert saved(tmp_path)["course"]["step"] == 3
    assert finished["facts"]["steps"] == 1


class Frozen(MovingAverage):
    """Never moves, so that batch norms' statistics do not change the scores either."""

    def should_update(self, step_idx: int | None = None, epoch_idx: int | None = None) -> bool:
        del step_idx, epoch_idx
        return False


@pytest.mark.parametrize("front", ["rgb+srm-trainable", "bayar"])
def test_filters_that_can_learn_do(front: Front, faces: Faces, tmp_path: Path) -> None:
    recipe = replace(
        RECIPE, steps=3, phases=(Phase(1.0, 32),), network=replace(NETWORK, front=front),
        evaluate_every=1.0, focal_gamma=2.0,
    )  # fmt: skip
    finished = read_checkpoint(run(recipe, faces, tmp_path))
    torch.manual_seed(recipe.seed)
    name = "srm.kernels" if front == "rgb+srm-trainable" else "srm.weight"
    start = Detector(recipe.network).state_dict()[name]
    assert (finished["weights"][name] - start).abs().max() > 1e-5


def test_a_run_starts_from_given_weights(faces: Faces, whole: Path, tmp_path: Path) -> None:
    recipe = replace(
        RECIPE, steps=1, trunk_rate=0.0, head_rate=0.0, start=str(whole / "detector.pt"),
        evaluate_every=1.0,
    )  # fmt: skip
    finished = read_checkpoint(run(recipe, faces, tmp_path))
    given = read_checkpoint(whole / "detector.pt")["weights"]
    for name, value in load_network(finished).named_parameters():
        assert_equal(value.detach(), given[name])


def test_weights_of_another_network_are_refused(faces: Faces, whole: Path, tmp_path: Path) -> None:
    other = replace(RECIPE, network=NetworkConfig(trunk="mobilenetv2_050", size_px=64))
    with pytest.raises(ValueError, match="another network"):
        run(replace(other, start=str(whole / "detector.pt")), faces, tmp_path)
    with pytest.raises(ValueError, match="--out"):
        run(other, faces, whole)


def test_a_teacher_pulls_the_logits_towards_its_own(
    faces: Faces, whole: Path, tmp_path: Path
) -> None:
    large = dict(read_checkpoint(whole / "detector.pt"))
    large["weights"]["classify.bias"] += 3  # it calls everything fake
    torch.save(large, tmp_path / "large.pt")
    recipe = replace(
        RECIPE, steps=20, phases=(Phase(1.0, 32),), mask_weight=0.0, evaluate_every=1.0,
        teacher=Teacher(str(tmp_path / "large.pt"), weight=1.0), head_rate=1e-2,
    )  # fmt: skip
    student = load_network(read_checkpoint(run(recipe, faces, tmp_path)))
    # Labels are balanced: by them alone the logits would stay round 0.
    assert predict(student, [decode(face) for face in faces.calib]).mean() > 1
    log = rows(tmp_path / "fit.csv")
    assert [row["step"] for row in log] == ["10", "20"]
    assert min(float(row["teacher_loss"]) for row in log) > 0
    assert not [name for name in saved(tmp_path)["state_dict"] if "teacher" in name]


def test_who_watches_the_evaluations_may_end_the_run(faces: Faces, tmp_path: Path) -> None:
    seen: list[tuple[int, float]] = []

    def watch(evaluation: int, auc: float) -> None:
        seen.append((evaluation, auc))
        if evaluation == 2:
            raise Enough

    recipe = replace(RECIPE, evaluate_every=1 / 3)
    with pytest.raises(Enough):
        fit_faces(recipe, faces, tmp_path, tmp_path / "out", ALONE, watch)
    assert [evaluation for evaluation, _ in seen] == [1, 2]
    assert f"{seen[1][1]:.6f}" == f"{float(rows(tmp_path / 'out' / 'calib.csv')[1]['auc']):.6f}"
    assert saved(tmp_path / "out")["course"]["step"] == 2


class Enough(Exception):
    """Somebody has seen enough."""


def test_low_precision_trains(faces: Faces, tmp_path: Path) -> None:
    recipe = replace(RECIPE, steps=2, precision="bf16", evaluate_every=1.0, pair_mixup=0.5)
    finished = read_checkpoint(run(recipe, faces, tmp_path))
    assert all(value.isfinite().all() for value in finished["weights"].values())


def test_imagenets_weights_are_taken_from_the_data_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.fitting.faces.data_dir", lambda: None)
    data = write_data(tmp_path / "data", per_class=10)
    recipe = replace(RECIPE, steps=1, start=None, evaluate_every=1.0)
    with pytest.raises(FileNotFoundError):
        fit(recipe, data, tmp_path / "out", ALONE)
    usual = tmp_path / "usual"
    monkeypatch.setattr("training.fitting.faces.data_dir", lambda: usual)
    (usual / "weights").mkdir(parents=True)
    state = Detector(NETWORK).trunk.state_dict()
    arrays = {key: value.numpy() for key, value in state.items() if "num_batches" not in key}
    np.savez(usual / "weights" / IMAGENET, allow_pickle=False, **arrays)
    assert fit(recipe, data, tmp_path / "out", Machine(1, 0, show=False)).exists()
