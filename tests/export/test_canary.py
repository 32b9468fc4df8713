"""`export canary`: the answers are written into the specs, the weights left alone."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from engines.spec import ModelSpec
from export.__main__ import main
from stream.config import REPOSITORY


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """R-Net as it would be without a canary."""
    shutil.copy(REPOSITORY / "weights" / "rnet.onnx", tmp_path)
    spec = ModelSpec.load(REPOSITORY / "weights" / "rnet.json")
    replace(spec, canary=None).save(tmp_path / "rnet.json")
    return tmp_path


def test_the_answer_is_written_and_nothing_else_changes(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = ModelSpec.load(folder / "rnet.json")
    assert main(["canary", "--weights", str(folder)]) == 0
    after = ModelSpec.load(folder / "rnet.json")
    assert after.canary
    assert {name: len(numbers) for name, numbers in after.canary.items()} == {
        "boxes": 4,
        "probability": 1,
    }
    assert replace(after, canary=None) == before
    assert after.verify(folder / "rnet.json")
    assert capsys.readouterr().out == "wrote the canary of rnet\n"


def test_what_cannot_be_opened_is_one_clear_line(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "rnet.onnx").unlink()
    assert main(["canary", "--weights", str(folder)]) == 1
    message = capsys.readouterr().err
    assert message.startswith("export canary: ")
    assert message.count("\n") == 1
