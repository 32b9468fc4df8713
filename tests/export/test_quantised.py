"""`export detector --precision int8`: what stays in float, and what is written at all."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from engines.canary import check_canary
from engines.spec import CropGeometry, ModelSpec, TensorSpec, sha256_of
from engines.table import open_engine
from export.__main__ import main
from training.manifest import Face, part

onnx = pytest.importorskip("onnx", reason="needs the export extra")
pytest.importorskip("torch", reason="needs the export extra")
pytestmark = pytest.mark.torch

SIDE = 32


@pytest.fixture(scope="module")
def quantised() -> ModuleType:
    import export.quantised

    return export.quantised


@pytest.fixture(scope="module")
def float_spec(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network of four layers: SRM, stem, one block, attention; the mean of it is the logit."""
    folder = tmp_path_factory.mktemp("float")
    helper, kinds = onnx.helper, onnx.TensorProto
    rng = np.random.default_rng(0)
    shapes = {
        "srm.kernels": (4, 3, 3, 3), "trunk.conv_stem.weight": (8, 4, 3, 3),
        "trunk.blocks.0.weight": (16, 8, 3, 3), "attention.weight": (1, 16, 1, 1),
    }  # fmt: skip
    weights = [
        onnx.numpy_helper.from_array(rng.normal(0, 0.2, shape).astype(np.float32), name)
        for name, shape in shapes.items()
    ]
    nodes = [
        helper.make_node("Transpose", ["crops"], ["turned"], name="turn", perm=[0, 3, 1, 2]),
        helper.make_node("Cast", ["turned"], ["x0"], name="cast", to=kinds.FLOAT),
        *(
            helper.make_node("Conv", [f"x{i}", name], [f"x{i + 1}"], name=f"conv{i}")
            for i, name in enumerate(shapes)
        ),
        helper.make_node("ReduceMean", ["x4", "axes"], ["logit"], name="mean", keepdims=0),
    ]
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("crops", kinds.UINT8, ["batch", SIDE, SIDE, 3])],
        [helper.make_tensor_value_info("logit", kinds.FLOAT, ["batch"])],
        [*weights, helper.make_tensor("axes", kinds.INT64, [3], [1, 2, 3])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    file = folder / "detector.onnx"
    onnx.save(model, file)
    ModelSpec(
        name="detector", file=file.name, sha256=sha256_of(file),
        inputs=(TensorSpec("crops", "uint8", ("batch", SIDE, SIDE, 3)),),
        outputs=(TensorSpec("logit", "float32", ("batch",)),),
        layout="NHWC", crop=CropGeometry(SIDE, 0.85),
    ).save(folder / "detector.json")  # fmt: skip
    return folder / "detector.json"


@pytest.fixture
def faces(quantised: ModuleType) -> Any:
    """Noise; half of it is brighter, and called fake."""
    rng = np.random.default_rng(1)
    crops = rng.integers(0, 128, (24, SIDE, SIDE, 3), dtype=np.uint8)
    crops[12:] += 90
    return quantised.Faces(crops[::4], crops, np.arange(24) >= 12)


def test_srm_stem_and_attention_stay_in_float(quantised: ModuleType, float_spec: Path) -> None:
    graph = onnx.load(float_spec.with_suffix(".onnx")).graph
    assert quantised.in_float(graph) == ["turn", "cast", "conv0", "conv1", "conv3"]


def test_what_is_worth_it_is_written_whole_and_can_be_served(
    quantised: ModuleType,
    float_spec: Path,
    faces: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(quantised, "_times", lambda engines, batch: [2.0, 1.0])
    judgement = quantised.quantise_detector(float_spec, tmp_path / "int8", faces)
    assert judgement.accepts
    assert judgement.faces == 24
    written = sorted(path.name for path in (tmp_path / "int8").iterdir())
    assert written == ["detector.int8.json", "detector.int8.onnx"]
    spec = ModelSpec.load(tmp_path / "int8" / "detector.int8.json")
    assert spec.precision == "int8"
    assert spec.provenance["calibration_crops"] == 6
    assert spec.provenance["quantised_from"] == ModelSpec.load(float_spec).sha256
    graph = onnx.load(tmp_path / "int8" / "detector.int8.onnx").graph
    kinds = [node.op_type for node in graph.node]
    assert "QuantizeLinear" in kinds
    with open_engine("onnxruntime", tmp_path / "int8" / "detector.int8.json") as engine:
        assert check_canary(engine, lambda: 0.0).ok


def test_what_is_slower_is_not_written(
    quantised: ModuleType,
    float_spec: Path,
    faces: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(quantised, "_times", lambda engines, batch: [1.0, 2.0])
    with pytest.raises(quantised.NotWorthIt, match=r"AUC .* crops take 1\.0 -> 2\.0 ms"):
        quantised.quantise_detector(float_spec, tmp_path / "int8", faces)
    assert list((tmp_path / "int8").iterdir()) == []


@pytest.mark.parametrize(
    ("auc", "cpu_ms", "accepts"),
    [
        ((0.96, 0.9551), (50.0, 40.0), True),
        ((0.96, 0.955), (50.0, 40.0), False),
        ((0.96, 0.97), (50.0, 50.0), False),
        ((0.96, float("nan")), (50.0, 40.0), False),
    ],
)
def test_it_must_be_quicker_and_hardly_worse(
    quantised: ModuleType, auc: tuple[float, float], cpu_ms: tuple[float, float], accepts: bool
) -> None:
    assert quantised.Judgement(9, auc, cpu_ms, (0.01, 0.1)).accepts == accepts


def test_the_command_prints_the_figures_or_why_not(
    quantised: ModuleType,
    float_spec: Path,
    faces: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(quantised, "data_dir", lambda: tmp_path)
    monkeypatch.setattr(quantised, "faces_of", lambda folder, geometry: faces)
    monkeypatch.setattr(quantised, "_times", lambda engines, batch: [2.0, 1.0])
    command = ["detector", "--precision", "int8", "--from-onnx", str(float_spec.parent)]
    assert main([*command, "--out", str(tmp_path / "int8")]) == 0
    said = capsys.readouterr().out
    assert "AUC 1.0000 ->" in said
    assert "training calibrate" in said
    worse = replace(faces, fake=faces.fake[::-1])
    monkeypatch.setattr(quantised, "faces_of", lambda folder, geometry: worse)
    monkeypatch.setattr(quantised, "_times", lambda engines, batch: [1.0, 2.0])
    assert main([*command, "--out", str(tmp_path / "none")]) == 1
    assert "not worth it" in capsys.readouterr().err


def test_without_faces_there_is_nothing_to_calibrate_on(
    quantised: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(quantised, "data_dir", lambda: None)
    assert main(["detector", "--precision", "int8"]) == 1
    assert "set DEEPFAKESTREAM_DATA; nothing was written" in capsys.readouterr().err


@pytest.mark.data
def test_ranges_come_of_training_faces_and_the_report_half_stays_shut(
    quantised: ModuleType, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Face] = []

    def blank(faces: list[Face], geometry: Any) -> Any:
        read.extend(faces)
        return np.zeros((len(faces), SIDE, SIDE, 3), np.uint8)

    monkeypatch.setattr(quantised, "_pixels", blank)
    found = quantised.faces_of(data_dir, None)
    many = len(found.calibration)
    assert many == quantised.CALIBRATION
    assert {face.split for face in read[:many]} == {"train"}
    assert {(face.split, part(face.group)) for face in read[many:]} == {("val", "calib")}
    assert len(found.crops) == len(found.fake) > 500
