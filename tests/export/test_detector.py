"""The detector's export: parity, refusal, spec."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the export extra")
onnx = pytest.importorskip("onnx", reason="needs the export extra")
pytest.importorskip("timm", reason="needs the export extra")
pytest.importorskip("onnxscript", reason="needs the export extra")

from engines.spec import AlarmModel, Calibration, CalibrationLevel, CropGeometry, ModelSpec  # noqa: E402  after the skips
from engines.table import open_engine  # noqa: E402
from export import detector, parity  # noqa: E402
from export.__main__ import main  # noqa: E402
from training.checkpoint import load_network  # noqa: E402
from training.network import Detector, Front, NetworkConfig  # noqa: E402

pytestmark = [
    pytest.mark.torch,
    pytest.mark.usefixtures("one_torch_thread"),
    # torch's exporter warns about torch's own pytree.
    pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning"),
]

SIZE = 64
NETWORK = NetworkConfig(size_px=SIZE)
LEVEL = {"above_quality": 0.5, "temperature": 1.2, "bias": 0.0}
ALARM = {
    "clip": 3.0, "correlation_s": 1.0, "drift": 0.2, "threshold_at_1_per_hour": 8.0,
    "threshold_per_e_fold": 1.0, "extrapolated_below_per_hour": 0.1,
}  # fmt: skip


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_checkpoint(NETWORK, tmp_path_factory.mktemp("checkpoint") / "detector.pt")


def write_checkpoint(config: NetworkConfig, path: Path) -> Path:
    torch.manual_seed(0)
    network = Detector(config)
    torch.nn.init.normal_(network.attention.weight, std=0.1)  # as training leaves them: not zero
    if config.front != "rgb":
        torch.nn.init.normal_(network.srm_stem.weight, std=0.1)
    state = {
        "recipe": {"steps": 1, "network": asdict(config)},
        "weights": network.state_dict(),
        "crop": asdict(CropGeometry(SIZE, 0.85)),
        "calibration": {"temperature": 1.5, "bias": -0.25, "levels": (LEVEL,)},
        "alarm": ALARM,
        "facts": {"steps": 1},
    }
    torch.save(state, path)
    return path


@pytest.fixture(scope="module")
def exported(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("weights")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parity, "data_dir", lambda: None)  # the demo's frames are always there
        detector.export_detector(checkpoint, "fp32", out)
    return out


@pytest.fixture
def no_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parity, "data_dir", lambda: None)


def writer_of(source: Path, change: Callable[[object], None]) -> Callable[[Detector, Path], None]:
    """A stand-in for `write_network` that writes the file at `source` after a change."""

    def write(network: Detector, path: Path) -> None:
        del network
        model = onnx.load(source)
        change(model)
        onnx.save(model, path)

    return write


def scale_a_weight(model: object) -> None:
    graph = model.graph  # type: ignore[attr-defined]
    found = next(item for item in graph.initializer if item.name == "classify.weight")
    values = onnx.numpy_helper.to_array(found) * 1.05
    found.CopyFrom(onnx.numpy_helper.from_array(values.astype(np.float32), found.name))


def test_the_spec_describes_the_file(exported: Path) -> None:
    spec = ModelSpec.load(exported / "detector.json")
    assert spec.verify(exported / "detector.json") == exported / "detector.onnx"
    assert spec.inputs[0].shape == ("batch", SIZE, SIZE, 3)
    assert [tensor.shape for tensor in spec.outputs] == [("batch",), ("batch", 14, 14)]
    assert spec.crop == CropGeometry(SIZE, 0.85)
    assert (spec.calibration.temperature, spec.calibration.bias) == (1.5, -0.25)
    assert spec.calibration.levels == (CalibrationLevel(**LEVEL),)
    assert spec.alarm == AlarmModel(**ALARM)
    assert spec.parameters == sum(p.numel() for p in Detector(NETWORK).parameters())
    assert spec.gflop is not None
    assert 0.01 < spec.gflop < 1
    assert spec.provenance["recipe"]["steps"] == 1
    assert sorted(path.name for path in exported.iterdir()) == ["detector.json", "detector.onnx"]


@pytest.mark.parametrize("batch", [1, 2, 5, 9])
def test_any_batch_gives_what_torch_gives(exported: Path, checkpoint: Path, batch: int) -> None:
    network = load_network(torch.load(checkpoint, weights_only=True))
    crops = np.random.default_rng(batch).integers(0, 256, (batch, SIZE, SIZE, 3), np.uint8)
    with torch.inference_mode():
        logit, heatmap = network(torch.from_numpy(crops))
    with open_engine("onnxruntime", exported / "detector.json") as engine:
        outputs = engine.infer(crops)
    np.testing.assert_allclose(outputs["logit"], logit.numpy(), atol=1e-4)
    np.testing.assert_allclose(outputs["heatmap"], heatmap.numpy(), atol=1e-5)


def test_the_file_holds_no_path_of_the_machine_that_exported(exported: Path) -> None:
    content = (exported / "detector.onnx").read_bytes() + (exported / "detector.json").read_bytes()
    assert b"training/network.py" not in content
    assert str(Path(__file__).parents[2]).encode() not in content


@pytest.mark.usefixtures("no_data")
def test_a_corrupted_graph_is_refused_and_nothing_is_written(
    exported: Path,
    checkpoint: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    changed = writer_of(exported / "detector.onnx", scale_a_weight)
    monkeypatch.setattr(detector, "write_network", changed)
    (tmp_path / "detector.json").write_text("the old one")
    code = main(["detector", "--checkpoint", str(checkpoint), "--out", str(tmp_path)])
    message = capsys.readouterr().err
    assert code == 1
    assert message.count("\n") == 1
    assert "logit: max" in message
    assert "nothing was written" in message
    assert [path.name for path in tmp_path.iterdir()] == ["detector.json"]
    assert (tmp_path / "detector.json").read_text() == "the old one"


@pytest.mark.usefixtures("no_data")
def test_half_precision_keeps_the_types_outside(checkpoint: Path, tmp_path: Path) -> None:
    differences = detector.export_detector(checkpoint, "fp16", tmp_path)
    assert all(difference.fits for difference in differences.values())
    spec = ModelSpec.load(tmp_path / "detector.json")
    assert spec.precision == "fp16"
    assert (tmp_path / "detector.onnx").stat().st_size < 8_000_000
    with open_engine("onnxruntime", tmp_path / "detector.json") as engine:
        assert engine.infer(np.zeros((3, SIZE, SIZE, 3), np.uint8))["logit"].dtype == np.float32


def test_an_infinite_difference_never_fits() -> None:
    assert not parity.Difference(float("nan"), 0.0, 1.0).fits
    assert not parity.Difference(float("inf"), 0.0, 1.0).fits
    assert parity.Difference(0.5, 0.1, 1.0).fits


@pytest.mark.parametrize("front", ["rgb", "srm", "rgb+srm-trainable"])
@pytest.mark.usefixtures("no_data")
def test_every_front_end_can_be_served(front: Front, tmp_path: Path) -> None:
    config = NetworkConfig(trunk="mobilenetv2_035", front=front, size_px=SIZE)
    file = write_checkpoint(config, tmp_path / "detector.pt")
    differences = detector.export_detector(file, "fp32", tmp_path / "out")
    assert all(difference.fits for difference in differences.values())


@pytest.mark.usefixtures("no_data")
def test_probabilities_are_compared_between_torch_and_both_precisions(tmp_path: Path) -> None:
    config = NetworkConfig(trunk="mobilenetv2_035", front="bayar", size_px=SIZE)
    file = write_checkpoint(config, tmp_path / "detector.pt")
    found, origin = detector.compare_probabilities(file, 12)
    assert origin == "12 pieces of the demo"
    assert [agreement.between for agreement in found] == [
        ("torch", "ONNX fp32"), ("torch", "ONNX fp16"), ("ONNX fp32", "ONNX fp16"),
    ]  # fmt: skip
    assert all(agreement.fits for agreement in found), [str(agreement) for agreement in found]
    assert found[0].largest < found[1].largest


def test_probabilities_are_compared_at_the_level_where_they_differ_most() -> None:
    logits = {"torch": np.array([0.0, 4.0]), "ONNX fp32": np.array([0.02, 4.0])}
    gentle = parity.agreements(logits, Calibration(temperature=2.0))
    assert gentle[0].largest == pytest.approx(0.02 / 2 / 4, rel=1e-3)
    sharp = Calibration(2.0, 0.0, (CalibrationLevel(0.5, 0.25, 0.0),))
    worst = parity.agreements(logits, sharp)[0]
    assert worst.largest == pytest.approx(0.02 / 0.25 / 4, rel=1e-2)
    assert not worst.fits
    assert not parity.Agreement(("a", "b"), float("nan")).fits


def test_a_run_that_is_not_finished_cannot_be_exported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.save({"recipe": {}, "network": {}}, tmp_path / "checkpoint.pt")
    assert main(["detector", "--checkpoint", str(tmp_path / "checkpoint.pt")]) == 1
    assert "lacks weights, crop, calibration, facts" in capsys.readouterr().err


@pytest.mark.parametrize(("largest", "code"), [(0.009, 0), (0.011, 1)])
def test_probabilities_that_differ_too_much_are_an_error(
    largest: float,
    code: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = [parity.Agreement(("torch", "ONNX fp16"), largest)]
    monkeypatch.setattr(detector, "export_detector", lambda *_: {})
    monkeypatch.setattr(detector, "compare_probabilities", lambda *_: (found, "7 crops"))
    command = ["detector", "--checkpoint", "x.pt", "--out", str(tmp_path), "--parity-crops", "7"]
    assert main(command) == code
    assert f"{largest:.2e}" in capsys.readouterr().out


@pytest.mark.parametrize("content", [None, b"no checkpoint", b""])
def test_an_unreadable_checkpoint_is_one_clear_line(
    content: bytes | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "missing.pt"
    if content is not None:
        path.write_bytes(content)
    assert main(["detector", "--checkpoint", str(path), "--out", str(tmp_path / "out")]) == 1
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert message.startswith("export detector: ")


def test_without_the_demo_there_is_nothing_to_compare_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(parity, "DEMO", tmp_path / "none.mp4")
    with pytest.raises(FileNotFoundError, match="no picture"):
        parity.demo_crops(SIZE)


@pytest.mark.data
def test_with_the_data_folder_real_faces_are_compared(data_dir: Path) -> None:
    del data_dir
    crops, origin = parity.parity_crops(SIZE)
    assert crops.shape == (parity.CROPS, SIZE, SIZE, 3)
    assert "calib" in origin


def test_the_mtcnn_command_is_wired(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mtcnn = pytest.importorskip("export.mtcnn")
    seen: list[Path] = []
    monkeypatch.setattr(mtcnn, "export_mtcnn", seen.append)
    assert main(["mtcnn", "--out", str(tmp_path)]) == 0
    assert seen == [tmp_path]

    def fail(out: Path) -> None:
        raise mtcnn.ExportError(f"cannot write into {out.name}")

    monkeypatch.setattr(mtcnn, "export_mtcnn", fail)
    assert main(["mtcnn", "--out", str(tmp_path)]) == 1
    assert capsys.readouterr().err.startswith("export mtcnn: cannot write")
