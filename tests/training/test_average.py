"""Averaging the weights of networks that came of one start."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="needs the train extra")

from tests.training.sample_data import write_data  # noqa: E402
from tests.training.small_run import RECIPE, drawn_faces  # noqa: E402
from tests.training.small_run import run as train  # noqa: E402
from training.average import add_arguments, averaged, parse_model, run  # noqa: E402
from training.checkpoint import read_checkpoint  # noqa: E402

pytestmark = pytest.mark.torch


def weights(value: float, steps: int = 1) -> dict[str, Any]:
    return {"a": torch.full((2,), value), "steps": torch.tensor(steps)}


def test_shares_are_a_ratio_and_counters_are_the_last_ones() -> None:
    mean = averaged([weights(1.0), weights(5.0, 7)], [3, 1])
    assert mean["a"].tolist() == [2.0, 2.0]
    assert mean["steps"].item() == 7


def test_one_model_alone_and_different_networks_are_refused() -> None:
    with pytest.raises(ValueError, match="two models or more"):
        averaged([weights(1.0)], [1])
    with pytest.raises(ValueError, match="different networks"):
        averaged([weights(1.0), {"a": torch.zeros(3), "steps": torch.tensor(1)}], [1, 1])


def test_a_file_may_name_its_share() -> None:
    assert parse_model("runs/a/detector.pt") == (Path("runs/a/detector.pt"), 1.0)
    assert parse_model("runs/a=b/detector.pt=0.3") == (Path("runs/a=b/detector.pt"), 0.3)


@pytest.mark.parametrize("given", ["a.pt=", "a.pt=much", "a.pt=0", "a.pt=-1", "a.pt=nan"])
def test_a_share_that_is_no_positive_number_is_refused(given: str) -> None:
    with pytest.raises(ValueError, match=r"share"):
        parse_model(given)


def test_the_mean_is_a_finished_checkpoint_with_its_own_calibration(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    faces = drawn_faces(tmp_path)
    short = replace(RECIPE, steps=1, evaluate_every=1.0)
    one, two = (
        train(replace(short, seed=seed), faces, tmp_path / name)
        for seed, name in enumerate(("one", "two"))
    )
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    out = tmp_path / "mean" / "detector.pt"
    run(
        parser.parse_args(["--model", f"{one}=1", "--model", f"{two}=3", "--out", str(out)]),
        write_data(tmp_path / "data", per_class=8),
    )
    states = [read_checkpoint(path)["weights"]["classify.weight"] for path in (one, two, out)]
    torch.testing.assert_close(states[2], 0.25 * states[0] + 0.75 * states[1])
    assert [share for _, share in read_checkpoint(out)["facts"]["averaged"]] == [1, 3]
    printed = capsys.readouterr().out
    assert [line.split()[0] for line in printed.splitlines()[-4:]] == [
        "one",
        "two",
        "mean",
        "wrote",
    ]
