"""Exports to TensorRT for RTX: really built, with no GPU."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

pytest.importorskip("tensorrt_rtx", reason="needs the tensorrt-rtx extra")
pytest.importorskip("onnx", reason="needs the tensorrt-rtx extra")

from engines.rtx_builder import FORMAT, profile_of
from engines.rtx_header import holds_profile, read_header
from engines.spec import ModelSpec
from export.__main__ import main
from stream.config import REPOSITORY

WEIGHTS = REPOSITORY / "weights"


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The four shipped models, built by the two commands."""
    out = tmp_path_factory.mktemp("rtx")
    for command in ("detector", "mtcnn"):
        assert main([command, "--format", FORMAT, "--out", str(out)]) == 0
    return out


@pytest.mark.parametrize("name", ["detector", "pnet", "rnet", "onet"])
def test_the_shipped_models_become_engines_with_specs_of_their_own(out: Path, name: str) -> None:
    source, spec = (ModelSpec.load(folder / f"{name}.json") for folder in (WEIGHTS, out))
    engine = spec.verify(out / f"{name}.json").read_bytes()
    assert (spec.format, spec.file, spec.precision) == (FORMAT, f"{name}.rtx", "fp32")
    assert (spec.inputs, spec.outputs, spec.crop) == (source.inputs, source.outputs, source.crop)
    assert (spec.calibration, spec.alarm) == (source.calibration, source.alarm)
    assert read_header(engine).capabilities == ("8.6", "8.9", "12.0")
    assert holds_profile(engine, profile_of(spec))
    built = spec.provenance["built"]
    assert built["from_sha256"] == source.sha256
    assert built["compute_capabilities"] == ["8.6", "8.9", "12.0"]
    assert built["runtime"] == f"TensorRT for RTX {read_header(engine).release}"


def test_nothing_of_this_machine_stands_in_the_files(out: Path) -> None:
    assert sorted(path.suffix for path in out.iterdir()) == [".json"] * 4 + [".rtx"] * 4
    for path in out.iterdir():
        assert str(REPOSITORY).encode() not in path.read_bytes()


def test_one_model_may_be_named_and_other_gpus(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["mtcnn", "--format", FORMAT, "--from-onnx", str(WEIGHTS / "rnet.onnx")]
    assert main([*command, "--capabilities", "7.5", "--out", str(tmp_path)]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["rnet.json", "rnet.rtx"]
    assert read_header((tmp_path / "rnet.rtx").read_bytes()).capabilities == ("7.5",)
    assert f"--set engine.weights={tmp_path}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--capabilities", "9.0"], "cannot build for the compute capability 9.0"),
        (["--from-onnx", "BUILT"], "format is 'tensorrt-rtx', other formats are made from ONNX"),
        (["--from-onnx", "nowhere"], "there is no such spec"),
    ],
    ids=["capability", "not ONNX", "nothing there"],
)
def test_what_cannot_be_built_is_one_line_and_leaves_nothing(
    arguments: list[str],
    problem: str,
    out: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    given = [str(out) if argument == "BUILT" else argument for argument in arguments]
    command = ["mtcnn", "--format", FORMAT, "--out", str(tmp_path / "new"), *given]
    assert main(command) == 1
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert problem in message
    assert not (tmp_path / "new").exists()


def test_a_model_that_is_not_its_specs_is_not_built(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(WEIGHTS / "rnet.onnx", tmp_path)
    body = json.loads((WEIGHTS / "rnet.json").read_text())
    (tmp_path / "rnet.json").write_text(json.dumps(body | {"sha256": "0" * 64}))
    command = ["mtcnn", "--format", FORMAT, "--from-onnx", str(tmp_path / "rnet.onnx")]
    assert main([*command, "--out", str(tmp_path / "new")]) == 1
    assert "SHA-256 is" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()
