"""Every engine, by the same cases: a new one in `ENGINES` is tested here without another line."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engines.base import Engine
from engines.errors import EngineUnavailable, ModelMismatch
from engines.spec import ModelSpec, TensorSpec, sha256_of
from engines.table import ENGINES, open_engine
from stream.config import REPOSITORY

WEIGHTS = REPOSITORY / "weights"
RNET = WEIGHTS / "rnet.json"
LARGE = 300


@pytest.fixture(params=sorted(ENGINES), scope="module")
def name(request: pytest.FixtureRequest) -> str:
    """Each engine that can run here."""
    engine = str(request.param)
    try:
        open_engine(engine, RNET).close()
    except EngineUnavailable as exc:
        pytest.skip(str(exc))
    except ModelMismatch as exc:
        problem = exc.problem
    else:
        problem = "its format is 'onnx'"
    assert "its format is 'onnx'" in problem, "one that it does not take: see `weights`"
    return engine


@pytest.fixture(scope="module")
def weights(name: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with R-Net and P-Net in the engine's format."""
    if name != "torch":
        return WEIGHTS
    export = pytest.importorskip("export.torch_program", reason="needs the export extra")
    folder = tmp_path_factory.mktemp("torch")
    for model in ("rnet", "pnet"):
        export.export_program(WEIGHTS / f"{model}.json", folder)
    return folder


@pytest.fixture(scope="module")
def rnet_spec(weights: Path) -> Path:
    return weights / "rnet.json"


@pytest.fixture(scope="module")
def rnet(name: str, rnet_spec: Path) -> Iterator[Engine]:
    with open_engine(name, rnet_spec) as engine:
        yield engine


def crops(count: int, seed: int = 0) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.random.default_rng(seed).integers(0, 256, (count, 24, 24, 3), dtype=np.uint8)


@pytest.mark.parametrize("count", [0, 1, 2, LARGE])
def test_every_batch_size_gives_outputs_as_the_spec_says(rnet: Engine, count: int) -> None:
    outputs = rnet.infer(crops(count))
    assert {key: value.shape for key, value in outputs.items()} == {
        "boxes": (count, 4),
        "probability": (count,),
    }
    assert all(value.dtype == np.float32 for value in outputs.values())
    assert all(np.isfinite(value).all() for value in outputs.values())


def test_a_batch_gives_what_its_crops_give_one_by_one(rnet: Engine) -> None:
    batch = crops(5)
    together = rnet.infer(batch)
    for index in range(len(batch)):
        alone = rnet.infer(batch[index : index + 1])
        for key, value in together.items():
            np.testing.assert_allclose(alone[key][0], value[index], atol=1e-5)


def test_whole_numbers_may_come_as_uint8_or_float32(rnet: Engine) -> None:
    batch = crops(3)
    as_floats = rnet.infer(batch.astype(np.float32))
    for key, value in rnet.infer(batch).items():
        np.testing.assert_array_equal(as_floats[key], value)


def test_the_input_is_left_as_it_was(rnet: Engine) -> None:
    batch = crops(2).astype(np.float32)
    before = batch.copy()
    rnet.infer(batch)
    np.testing.assert_array_equal(batch, before)


@pytest.mark.parametrize(
    "shape",
    [(1, 24, 25, 3), (1, 48, 48, 3), (1, 3, 24, 24), (24, 24, 3), (1, 24, 24, 4), (0, 48, 48, 3)],
)
def test_a_wrong_shape_is_told_with_the_right_one(rnet: Engine, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"rnet takes batch×24×24×3 .*got \(") as caught:
        rnet.infer(np.zeros(shape, np.uint8))
    assert str(shape) in str(caught.value)


def test_after_a_wrong_shape_the_engine_still_works(rnet: Engine) -> None:
    with pytest.raises(ValueError, match="rnet takes"):
        rnet.infer(np.zeros((1, 7, 7, 3), np.uint8))
    assert rnet.infer(crops(1))["probability"].shape == (1,)


def test_free_sides_take_any_size_from_call_to_call(name: str, weights: Path) -> None:
    with open_engine(name, weights / "pnet.json") as pnet:
        for count, height, width in [(1, 12, 12), (1, 50, 33), (2, 33, 50), (1, 12, 12)]:
            outputs = pnet.infer(np.zeros((count, height, width, 3), np.float32))
            rows, columns = ((side - 1) // 2 - 4 for side in (height, width))
            assert outputs["boxes"].shape == (count, 4, rows, columns)
            assert outputs["probability"].shape == (count, rows, columns)
        assert pnet.infer(np.zeros((0, 20, 20, 3), np.uint8))["probability"].shape[0] == 0


def test_it_says_what_it_is_and_where_it_runs(rnet: Engine, rnet_spec: Path) -> None:
    assert rnet.spec == ModelSpec.load(rnet_spec)
    assert rnet.device == "cpu"
    assert rnet.provider


def test_closing_twice_is_closing_once(name: str, rnet_spec: Path) -> None:
    engine = open_engine(name, rnet_spec)
    engine.close()
    engine.close()


def test_an_unknown_device_is_refused(name: str, rnet_spec: Path) -> None:
    with pytest.raises(EngineUnavailable, match="abacus:7"):
        open_engine(name, rnet_spec, device="abacus:7")


def test_a_missing_weight_file_is_a_mismatch(name: str, rnet_spec: Path, tmp_path: Path) -> None:
    shutil.copy(rnet_spec, tmp_path)
    with pytest.raises(ModelMismatch, match="the weight file is missing"):
        open_engine(name, tmp_path / "rnet.json")


@pytest.mark.parametrize("damage", ["truncated", "text", "empty"])
def test_a_corrupt_weight_file_is_a_mismatch_even_when_its_hash_is_right(
    name: str, rnet_spec: Path, tmp_path: Path, damage: str
) -> None:
    spec = ModelSpec.load(rnet_spec)
    good = spec.weights_path(rnet_spec).read_bytes()
    bad = {"truncated": good[: len(good) // 2], "text": b"404: not found", "empty": b""}[damage]
    (tmp_path / spec.file).write_bytes(bad)
    replace(spec, sha256=sha256_of(tmp_path / spec.file)).save(tmp_path / "rnet.json")
    with pytest.raises(ModelMismatch, match="python -m export"):
        open_engine(name, tmp_path / "rnet.json")


def test_a_model_of_bytes_takes_bytes_only(name: str, tmp_path: Path) -> None:
    spec_file = _brightness(tmp_path)
    if name == "torch":
        _as_program(spec_file)
    with open_engine(name, spec_file) as engine:
        batch = np.full((2, 8, 8, 3), 51, np.uint8)
        np.testing.assert_allclose(engine.infer(batch)["brightness"], [51, 51])
        with pytest.raises(ValueError, match="takes uint8 pixels, got float32"):
            engine.infer(batch.astype(np.float32))


def _brightness(folder: Path) -> Path:
    """A model with its own layout and dtype: uint8 NHWC in, the mean of each picture out."""
    onnx = pytest.importorskip("onnx")
    helper, kinds = onnx.helper, onnx.TensorProto
    nodes = [
        helper.make_node("Cast", ["pixels"], ["floats"], to=kinds.FLOAT),
        helper.make_node("ReduceMean", ["floats", "axes"], ["brightness"], keepdims=0),
    ]
    graph = helper.make_graph(
        nodes,
        "brightness",
        [helper.make_tensor_value_info("pixels", kinds.UINT8, ["batch", 8, 8, 3])],
        [helper.make_tensor_value_info("brightness", kinds.FLOAT, ["batch"])],
        [helper.make_tensor("axes", kinds.INT64, [3], [1, 2, 3])],
    )
    file = folder / "brightness.onnx"
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    file.write_bytes(model.SerializeToString())
    spec = ModelSpec(
        name="brightness",
        file=file.name,
        sha256=sha256_of(file),
        inputs=(TensorSpec("pixels", "uint8", ("batch", 8, 8, 3)),),
        outputs=(TensorSpec("brightness", "float32", ("batch",)),),
        layout="NHWC",
    )
    spec.save(folder / "brightness.json")
    return folder / "brightness.json"


def _as_program(spec_file: Path) -> None:
    """Put torch's program of the same in its place."""
    torch = pytest.importorskip("torch")
    export = pytest.importorskip("export.torch_program")

    class Brightness(torch.nn.Module):  # type: ignore[misc,name-defined]
        def forward(self, pixels: Any) -> tuple[Any, ...]:
            return (pixels.float().mean((1, 2, 3)),)

    spec, file = ModelSpec.load(spec_file), spec_file.with_suffix(".pt2")
    export.write_program(Brightness(), spec, file)
    replace(spec, file=file.name, format="torch", sha256=sha256_of(file)).save(spec_file)
