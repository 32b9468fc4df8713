"""The command line of training."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch", reason="needs the train extra")
pytest.importorskip("timm", reason="needs the train extra")

from training import __main__ as command
from training.evaluate import LISTS, Figure

pytestmark = pytest.mark.torch


def test_without_the_data_folder_one_line_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "data_dir", lambda: None)
    assert command.main(["margin"]) == 1
    message = capsys.readouterr().err
    assert "DEEPFAKESTREAM_DATA" in message
    assert message.count("\n") == 1


def test_a_wrong_recipe_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = tmp_path / "r.toml"
    recipe.write_text("steps = 1\nstepz = 2\n")
    monkeypatch.setattr(command, "data_dir", lambda: tmp_path)
    assert command.main(["fit", "--config", str(recipe)]) == 1
    message = capsys.readouterr().err
    assert "stepz" in message
    assert message.count("\n") == 1


def test_figures_are_printed_by_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "data_dir", lambda: tmp_path)
    monkeypatch.setattr(command, "evaluate", lambda *_: [Figure("frame AUC", 0.75)])
    assert command.main(["evaluate", "--list", "lfw"]) == 0
    assert capsys.readouterr().out.split() == ["lfw", "frame", "AUC", "0.75"]
    assert command.main(["evaluate", "--list", "all"]) == 0
    assert capsys.readouterr().out.count("frame AUC") == len(LISTS)


def test_a_missing_model_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "data_dir", lambda: tmp_path)
    assert command.main(["evaluate", "--model", str(tmp_path / "none.json")]) == 1
    assert "no such spec" in capsys.readouterr().err
