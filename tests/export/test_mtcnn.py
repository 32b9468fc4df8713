"""`export mtcnn`: the networks are facenet-pytorch's, and nothing wrong is ever written."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from engines.spec import ModelSpec
from engines.table import open_engine
from stream.config import REPOSITORY

torch = pytest.importorskip("torch", reason="needs the export extra", exc_type=ImportError)
pytestmark = pytest.mark.torch

WEIGHTS = REPOSITORY / "weights"
NAMES = ("pnet", "rnet", "onet")


@pytest.fixture(scope="module")
def mtcnn() -> ModuleType:
    """The module under test; skipped where the wheel that it reads is not installed."""
    from importlib.util import find_spec

    if find_spec("facenet_pytorch") is None:
        pytest.skip("needs facenet-pytorch (pip install --no-deps facenet-pytorch==2.6.0)")
    import export.mtcnn

    return export.mtcnn


@pytest.fixture(scope="module")
def told() -> StringIO:
    """What the export printed."""
    return StringIO()


@pytest.fixture(scope="module")
def exported(mtcnn: ModuleType, told: StringIO, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights") / "new"
    with redirect_stdout(told):
        mtcnn.export_mtcnn(folder)
    return folder


def test_three_files_and_their_specs_are_written_and_nothing_else(exported: Path) -> None:
    assert sorted(path.name for path in exported.iterdir()) == sorted(
        f"{name}.{suffix}" for name in NAMES for suffix in ("onnx", "json")
    )


@pytest.mark.parametrize("name", NAMES)
def test_what_ships_is_what_the_export_gives(exported: Path, name: str) -> None:
    ours = ModelSpec.load(WEIGHTS / f"{name}.json")
    new = ModelSpec.load(exported / f"{name}.json")
    assert (new.inputs, new.outputs, new.parameters) == (ours.inputs, ours.outputs, ours.parameters)
    pixels = np.random.default_rng(0).integers(0, 256, (3, 48, 48, 3), dtype=np.uint8)
    side = new.inputs[0].shape[2]
    batch = pixels[:, :side, :side] if isinstance(side, int) else pixels
    with (
        open_engine("onnxruntime", WEIGHTS / f"{name}.json") as shipped,
        open_engine("onnxruntime", exported / f"{name}.json") as fresh,
    ):
        expected = shipped.infer(batch)
        for key, value in fresh.infer(batch).items():
            np.testing.assert_allclose(value, expected[key], atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_the_networks_compute_what_facenet_pytorchs_do(exported: Path, name: str) -> None:
    package = pytest.importorskip("facenet_pytorch.models.mtcnn", exc_type=ImportError)
    reference = getattr(package, {"pnet": "PNet", "rnet": "RNet", "onet": "ONet"}[name])()
    side = {"pnet": 57, "rnet": 24, "onet": 48}[name]
    pixels = np.random.default_rng(1).integers(0, 256, (4, side, side, 3), dtype=np.uint8)
    values = (pixels.astype(np.float32) - 127.5) / 128
    with torch.inference_mode():
        outputs = reference(torch.from_numpy(values.transpose(0, 3, 1, 2).copy()))
    *regressions, pair = (output.numpy() for output in outputs)
    with open_engine("onnxruntime", exported / f"{name}.json") as engine:
        found = engine.infer(pixels)
    np.testing.assert_allclose(found["probability"], pair[:, 1], atol=1e-5)
    for key, expected in zip(("boxes", "landmarks"), regressions, strict=False):
        np.testing.assert_allclose(found[key], expected, atol=1e-5)


def test_the_spec_says_whose_weights_they_are_and_what_they_cost(exported: Path) -> None:
    specs = [ModelSpec.load(exported / f"{name}.json") for name in NAMES]
    assert [spec.parameters for spec in specs] == [6632, 100178, 389040]
    assert [spec.provenance["gflop_is_for"] for spec in specs] == [
        "one megapixel of input",
        "one crop",
        "one crop",
    ]
    for spec in specs:
        assert spec.provenance["weights"].startswith("facenet-pytorch 2")
        assert spec.provenance["weights"].endswith("MIT")
        assert spec.gflop
        assert (spec.mean, spec.std) == ((127.5,) * 3, (128.0,) * 3)


def test_the_differences_are_printed(exported: Path, told: StringIO) -> None:
    lines = [line for line in told.getvalue().splitlines() if "difference" in line]
    assert [line.partition(":")[0] for line in lines] == list(NAMES)
    assert "landmarks" in lines[2]


@pytest.mark.parametrize("name", NAMES)
def test_neither_file_names_a_path_of_the_machine(exported: Path, name: str) -> None:
    for suffix in ("onnx", "json"):
        for folder in (exported, WEIGHTS):
            content = (folder / f"{name}.{suffix}").read_bytes()
            assert b".py" not in content
            assert str(REPOSITORY).encode() not in content


@pytest.mark.parametrize("worst", [1e-3, float("nan")])
def test_nothing_is_written_when_the_file_differs_from_torch(
    mtcnn: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, worst: float
) -> None:
    monkeypatch.setattr(mtcnn, "_write_onnx", lambda plan, module, file: file.write_bytes(b"x"))
    monkeypatch.setattr(mtcnn, "_differences", lambda *_: {"boxes": 1e-6, "probability": worst})
    with pytest.raises(mtcnn.ExportError, match="pnet: differs from torch"):
        mtcnn.export_mtcnn(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_difference_that_is_no_number_does_not_hide(mtcnn: ModuleType, tmp_path: Path) -> None:
    plan = mtcnn.PLANS[1]
    module = plan.module().eval()
    mtcnn._write_onnx(plan, module, tmp_path / "rnet.onnx")
    batch = torch.zeros(2, 3, 24, 24)
    batch[1] = float("nan")
    worst = mtcnn._differences(plan, module, tmp_path / "rnet.onnx", [batch, batch[:1]])
    assert all(np.isnan(value) for value in worst.values())


def test_a_missing_wheel_says_what_to_install(
    mtcnn: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(mtcnn, "find_spec", lambda name: None)
    with pytest.raises(mtcnn.ExportError, match="pip install --no-deps facenet-pytorch"):
        mtcnn.export_mtcnn(tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_wheel_without_weights_is_named(
    mtcnn: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from importlib.machinery import ModuleSpec

    hollow = ModuleSpec("facenet_pytorch", None, origin=str(tmp_path / "__init__.py"))
    monkeypatch.setattr(mtcnn, "find_spec", lambda name: hollow)
    with pytest.raises(mtcnn.ExportError, match="no weights for pnet, rnet, onet"):
        mtcnn.export_mtcnn(tmp_path / "new")


@pytest.mark.parametrize(
    ("found", "frames", "count"), [(None, 5, 5), (None, 0, None)], ids=["demo", "nothing"]
)
def test_without_the_data_folder_the_demo_is_compared_on(
    mtcnn: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    found: Path | None,
    frames: int,
    count: int | None,
) -> None:
    pictures: Sequence[Any] = [np.zeros((90, 160, 3), np.uint8)] * frames
    monkeypatch.setattr(mtcnn, "data_dir", lambda: found)
    monkeypatch.setattr(mtcnn, "_demo_frames", lambda: list(pictures))
    if count is None:
        with pytest.raises(mtcnn.ExportError, match="no picture"):
            mtcnn.sample_pictures()
    else:
        assert len(mtcnn.sample_pictures()) == count


def test_the_demo_has_twelve_frames_to_give(mtcnn: ModuleType) -> None:
    frames = mtcnn._demo_frames()
    assert len(frames) == 12
    assert frames[0].ndim == 3
