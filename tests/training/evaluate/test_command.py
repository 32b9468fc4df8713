"""The command line of `evaluate`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import pytest

from tests.training.sample_data import write_data
from training.evaluate import command
from training.evaluate.clips import command as clips
from training.evaluate.command import add_arguments, opened_half, read_order
from training.evaluate.run import QUICK


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("data"), per_class=4)


def parsed(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args(arguments)


def test_by_default_the_shipped_model_is_judged_and_the_report_half_stays_closed(
    folder: Path,
) -> None:
    order = read_order(parsed(), folder)
    assert [path.name for path in order.models.values()] == ["detector.json"]
    assert order.lists == ["dfdc-calib"]
    assert order.plan.per_class == 300
    assert not order.plan.control
    assert order.rounds == 1000


def test_several_models_and_baselines_stand_side_by_side(folder: Path) -> None:
    order = read_order(
        parsed("--model", "a=x/detector.pt", "--model", "runs/rgb/detector.pt", "--baseline",
               "meso4", "--baseline", "control"), folder,
    )  # fmt: skip
    assert list(order.models) == ["a", "rgb"]
    assert order.mesonets == ["meso4"]
    assert order.plan.control


def test_baselines_alone_need_no_model(folder: Path) -> None:
    order = read_order(parsed("--baseline", "mesoinception"), folder)
    assert not order.models
    assert order.mesonets == ["mesoinception"]


def test_a_quick_look_is_a_small_one(folder: Path) -> None:
    order = read_order(parsed("--quick"), folder)
    assert order.plan.quick
    assert order.plan.per_class == QUICK
    assert order.limit is not None
    assert order.rounds < 1000
    assert read_order(parsed("--quick", "--limit", "7"), folder).limit == 7
    assert read_order(parsed("--faces", "0"), folder).plan.per_class is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--list", "nobody"), "there is no list nobody"),
        (("--model", "a/detector.pt", "--model", "b/a/detector.pt"), "two models are called a"),
        (("--model", "control=x.pt"), "two models are called control"),
        (("--threads", "0"), "--threads"),
        (("--limit", "0"), "--limit"),
    ],
)
def test_what_makes_no_sense_is_one_clear_line(
    folder: Path, arguments: tuple[str, ...], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        read_order(parsed(*arguments), folder)


def test_the_half_that_is_opened_is_said_loudly() -> None:
    assert "REPORT" in opened_half("dfdc")
    assert "REPORT" not in opened_half("dfdc-calib")
    assert "every face" in opened_half("lfw-all")


def test_clips_alone_leave_the_faces_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[Any] = []
    monkeypatch.setattr(clips, "run", lambda options, path, out: done.append(path.name))
    monkeypatch.setattr(command, "_faces", lambda order: done.append(order.lists))
    command.run(parsed("--clips", "films"), folder)
    assert done == ["detector.json"]
    command.run(parsed("--clips", "films", "--list", "dfdc-calib"), folder)
    assert done[1:] == ["detector.json", ["dfdc-calib"]]
    command.run(parsed(), folder)
    assert done[3:] == [["dfdc-calib"]]
