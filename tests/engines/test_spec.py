"""ModelSpec: JSON beside each weight file, read back as it was written."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

from engines.errors import EngineError, ModelMismatch
from engines.spec import Calibration, CropGeometry, ModelSpec, sha256_of
from tests.builders import detector_spec

WEIGHTS: Final = Path(__file__).resolve().parents[2] / "weights"
FULL: Final = replace(
    detector_spec(temperature=1.7, bias=-0.2),
    mean=(127.5, 127.5, 127.5),
    std=(128.0, 128.0, 128.0),
    layout="NCHW",
    precision="fp16",
    gflop=0.4,
    parameters=3_400_000,
    provenance={"trained_on": "frames", "seed": 1},
)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "detector.json"
    FULL.save(path)
    return path


def rewrite(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    body = json.loads(path.read_text(encoding="utf-8"))
    change(body)
    path.write_text(json.dumps(body), encoding="utf-8")


@pytest.mark.parametrize("spec", [FULL, replace(FULL, crop=None)], ids=["crop", "no crop"])
def test_a_spec_is_read_back_as_it_was_written(spec: ModelSpec, tmp_path: Path) -> None:
    path = tmp_path / "model.json"
    spec.save(path)
    assert ModelSpec.load(path) == spec


def test_its_json_starts_with_the_version_and_names_the_crop_geometry(saved: Path) -> None:
    body = json.loads(saved.read_text(encoding="utf-8"))
    assert next(iter(body.items())) == ("version", 1)
    assert (body["crop_size_px"], body["crop_scale"], body["crop_rotate"]) == (32, 1.3, False)
    assert body["sha256"] == FULL.sha256
    assert body["calibration"] == {"temperature": 1.7, "bias": -0.2}


def test_what_is_not_said_has_the_documented_default(saved: Path) -> None:
    rewrite(saved, lambda body: [body.pop(key) for key in ("gflop", "parameters", "provenance")])
    loaded = ModelSpec.load(saved)
    assert (loaded.gflop, loaded.parameters, loaded.provenance) == (None, None, {})


def test_a_missing_spec_is_a_mismatch_that_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ModelMismatch, match=r"no such spec.*export") as caught:
        ModelSpec.load(tmp_path / "absent.json")
    assert caught.value.path == tmp_path / "absent.json"
    assert isinstance(caught.value, EngineError)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe\x00", b"pickle"])
def test_a_spec_that_is_no_json_is_a_mismatch(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "broken.json"
    path.write_bytes(content)
    with pytest.raises(ModelMismatch, match="no readable JSON"):
        ModelSpec.load(path)


def test_a_folder_in_the_specs_place_is_a_mismatch(tmp_path: Path) -> None:
    with pytest.raises(ModelMismatch):
        ModelSpec.load(tmp_path)


@pytest.mark.parametrize("content", ["[]", '"text"', "null", "3", "{}"])
def test_json_of_another_kind_is_a_mismatch(content: str, tmp_path: Path) -> None:
    path = tmp_path / "other.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ModelMismatch, match="not valid"):
        ModelSpec.load(path)


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"version": None},
        {"inputs": None},
        {"inputs": [{"name": "x"}]},
        {"inputs": ["x"]},
        {"calibration": {"slope": 1}},
        {"mean": 3},
        {"crop_size_px": None},
        {"surprise": 1},
    ],
    ids=str,
)
def test_a_spec_with_a_wrong_field_is_a_mismatch(change: dict[str, Any], saved: Path) -> None:
    rewrite(saved, lambda body: body.update(change))
    with pytest.raises(ModelMismatch, match="not valid"):
        ModelSpec.load(saved)


@pytest.mark.parametrize("field", ["version", "name", "sha256", "inputs", "layout", "crop_scale"])
def test_a_spec_without_a_needed_field_is_a_mismatch(field: str, saved: Path) -> None:
    rewrite(saved, lambda body: body.pop(field))
    with pytest.raises(ModelMismatch, match="not valid"):
        ModelSpec.load(saved)


def test_the_weight_file_lies_beside_its_spec(tmp_path: Path) -> None:
    assert FULL.weights_path(tmp_path / "detector.json") == tmp_path / "detector.onnx"


def test_weights_of_the_right_bytes_are_verified(tmp_path: Path) -> None:
    (tmp_path / "detector.onnx").write_bytes(b"weights")
    spec = replace(FULL, sha256=hashlib.sha256(b"weights").hexdigest())
    assert spec.verify(tmp_path / "detector.json") == tmp_path / "detector.onnx"
    assert sha256_of(tmp_path / "detector.onnx") == spec.sha256


def test_missing_weights_are_a_mismatch(tmp_path: Path) -> None:
    with pytest.raises(ModelMismatch, match="missing"):
        FULL.verify(tmp_path / "detector.json")


def test_weights_of_other_bytes_are_a_mismatch_that_names_both_sums(tmp_path: Path) -> None:
    (tmp_path / "detector.onnx").write_bytes(b"other")
    actual = hashlib.sha256(b"other").hexdigest()
    with pytest.raises(ModelMismatch, match=f"{actual[:12]}.*{FULL.sha256[:12]}"):
        FULL.verify(tmp_path / "detector.json")


def test_defaults_leave_pixels_and_logits_alone() -> None:
    spec = detector_spec()
    assert (spec.mean, spec.std) == ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
    assert spec.calibration == Calibration(1.0, 0.0)
    assert CropGeometry(224, 1.3).crop_rotate is False


@pytest.mark.parametrize("path", sorted(WEIGHTS.glob("*.json")), ids=lambda path: path.stem)
def test_every_model_that_ships_is_the_one_described(path: Path) -> None:
    spec = ModelSpec.load(path)
    assert spec.verify(path).is_file()
    assert spec.provenance, "where the weights come from must be said"
