"""Exports to torch: from ONNX to a network and on to a program, compared on the way."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the export extra")
onnx = pytest.importorskip("onnx", reason="needs the export extra")
pytest.importorskip("timm", reason="needs the export extra")

from engines.errors import ModelMismatch  # noqa: E402  after the skips
from engines.spec import ModelSpec, sha256_of  # noqa: E402
from engines.table import open_engine  # noqa: E402
from export import torch_program  # noqa: E402
from export.__main__ import main  # noqa: E402
from export.onnx_weights import load_network  # noqa: E402
from stream.config import REPOSITORY  # noqa: E402

pytestmark = [pytest.mark.torch, pytest.mark.usefixtures("one_torch_thread")]

WEIGHTS = REPOSITORY / "weights"


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped detector as a program that computes in bfloat16."""
    out = tmp_path_factory.mktemp("torch")
    command = ["detector", "--format", "torch", "--precision", "bf16", "--out", str(out)]
    assert main(command) == 0
    return out


def test_the_shipped_detector_becomes_a_program_with_a_spec_of_its_own(out: Path) -> None:
    source, spec = (ModelSpec.load(folder / "detector.json") for folder in (WEIGHTS, out))
    spec.verify(out / "detector.json")
    assert (spec.format, spec.file, spec.precision) == ("torch", "detector.pt2", "bf16")
    assert spec.options == {"compile": False}
    assert (spec.inputs, spec.outputs, spec.crop) == (source.inputs, source.outputs, source.crop)
    assert (spec.calibration, spec.canary) == (source.calibration, source.canary)
    assert spec.provenance["built"]["from_sha256"] == source.sha256


def test_in_float32_it_computes_what_the_shipped_file_does(out: Path, tmp_path: Path) -> None:
    spec = ModelSpec.load(out / "detector.json")
    (tmp_path / spec.file).symlink_to(out / spec.file)
    replace(spec, precision="fp32").save(tmp_path / "detector.json")
    worst = torch_program.difference(WEIGHTS / "detector.json", tmp_path / "detector.json", "torch")
    assert worst < 1e-4


def test_nothing_of_this_machine_stands_in_the_program(out: Path) -> None:
    with zipfile.ZipFile(out / "detector.pt2") as archive:
        parts = [archive.read(name) for name in archive.namelist()]
    for content in (*parts, (out / "detector.json").read_bytes()):
        assert str(REPOSITORY).encode() not in content
        assert b"network.py" not in content


def test_a_program_that_computes_something_else_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(torch_program, "difference", lambda *_: float("nan"))
    command = ["mtcnn", "--format", "torch", "--from-onnx", str(WEIGHTS / "rnet.onnx")]
    assert main([*command, "--out", str(tmp_path / "new")]) == 1
    message = capsys.readouterr().err
    assert "rnet differs by nan from ONNX Runtime" in message
    assert "nothing was written" in message
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("name", ["pnet", "onet"])
def test_mtcnns_networks_come_out_of_their_onnx_files(name: str) -> None:
    network, spec = load_network(WEIGHTS / f"{name}.json")
    torch = pytest.importorskip("torch")
    side = 48 if name == "onet" else 61
    pixels = np.random.default_rng(0).integers(0, 256, (2, side, side, 3), np.uint8)
    with open_engine("onnxruntime", WEIGHTS / f"{name}.json") as engine:
        expected = engine.infer(pixels)
    values = (pixels.astype(np.float32).transpose(0, 3, 1, 2) - 127.5) / 128
    for tensor, found in zip(spec.outputs, network(torch.from_numpy(values)), strict=True):
        np.testing.assert_allclose(found.numpy(), expected[tensor.name], atol=1e-5)


def test_weights_of_another_network_are_a_mismatch(tmp_path: Path) -> None:
    model = onnx.load(WEIGHTS / "rnet.onnx")
    del model.graph.initializer[0]
    onnx.save(model, tmp_path / "rnet.onnx")
    body = json.loads((WEIGHTS / "rnet.json").read_text())
    body["sha256"] = sha256_of(tmp_path / "rnet.onnx")
    (tmp_path / "rnet.json").write_text(json.dumps(body))
    with pytest.raises(ModelMismatch, match="not those of its network"):
        load_network(tmp_path / "rnet.json")


def test_rounded_weights_are_no_source(tmp_path: Path) -> None:
    spec = ModelSpec.load(WEIGHTS / "rnet.json")
    (tmp_path / spec.file).symlink_to(WEIGHTS / spec.file)
    replace(spec, precision="int8").save(tmp_path / "rnet.json")
    with pytest.raises(ModelMismatch, match="its precision is int8, not fp32"):
        load_network(tmp_path / "rnet.json")
