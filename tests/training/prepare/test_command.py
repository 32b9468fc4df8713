"""The command line: what it takes, and what it prints."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

import pytest

from training.prepare import command
from training.prepare.command import add_arguments, run
from training.prepare.report import Report
from training.prepare.run import Plan


def parsed(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args(arguments)


def test_the_folder_is_made_and_the_counts_printed(
    clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root, out = tmp_path / "mine", tmp_path / "out"
    (root / "real").mkdir(parents=True)
    shutil.copyfile(clip, root / "real" / "a.mp4")
    run(parsed(str(root), "--out", str(out), "--per-track", "2", "--val-share", "0", "--near", "0"))
    told = capsys.readouterr().out.splitlines()
    assert told[0].split() == ["mine", "real", "train", "2", "crops", "of", "1", "groups"]
    assert "report.md" in told[-1]
    assert (out / "faces" / "manifest.csv").is_file()


def test_choices_reach_the_settings(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    with pytest.raises(ValueError, match="margin"):
        run(parsed(str(tmp_path), "--out", str(tmp_path / "out"), "--margin", "9"))


def test_an_input_and_a_folder_are_needed(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in ([], ["mine"], ["--out", "x"]):
        with pytest.raises(SystemExit):
            parsed(*arguments)
    assert "INPUT" in capsys.readouterr().err


def test_the_keyboard_stops_it_with_a_line_and_no_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped(plan: Plan) -> Report:
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "prepare", stopped)
    with pytest.raises(SystemExit) as stop:
        run(parsed(str(tmp_path), "--out", str(tmp_path / "out")))
    assert stop.value.code == 130
    assert "the same command goes on" in capsys.readouterr().err
