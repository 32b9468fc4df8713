"""The command line of training."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="needs the train extra")
pytest.importorskip("timm", reason="needs the train extra")

from stream.config import REPOSITORY
from training import __main__ as command
from training.fitting.errors import Stopped

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


@pytest.mark.parametrize("name", command.COMMANDS)
def test_every_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    for missing in ("lightning", "optuna"):
        pytest.importorskip(missing, reason="needs the train extra")
    with pytest.raises(SystemExit) as ended:
        command.main([name, "--help"])
    assert ended.value.code == 0
    assert f"python -m training {name}" in capsys.readouterr().out


def test_one_command_does_not_import_the_others() -> None:
    program = (
        "import sys; from training.__main__ import main\n"
        "try: main(['prepare', '--help'])\n"
        "except SystemExit: pass\n"
        "sys.exit(any(name in sys.modules for name in ('torch', 'lightning', 'optuna')))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True)
    assert done.returncode == 0, done.stderr


def test_a_command_that_there_is_not_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        command.main(["guess"])
    assert ended.value.code == 2
    assert "evaluate" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("raised", "code"),
    [
        (None, 0),
        (ValueError("a\nlong story"), 1),
        (OSError("no such file"), 1),
        (Stopped(signal.SIGTERM, 5), 143),
        (Stopped(signal.SIGINT, 5), 130),
        (KeyboardInterrupt(), 130),
    ],
)
def test_the_exit_code_says_how_it_ended(
    raised: BaseException | None,
    code: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def run(parsed: object, data: Path) -> None:
        del parsed
        assert data == tmp_path
        if raised is not None:
            raise raised

    monkeypatch.setattr("training.margin.run", run)
    assert command.main(["margin", "--data", str(tmp_path)]) == code
    assert capsys.readouterr().err.count("\n") == (raised is not None)
