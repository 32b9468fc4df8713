"""ModelSpec: JSON beside each weight file, read back as it was written."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

import pytest

from engines.errors import EngineError, ModelMismatch
from engines.spec import (
    AlarmModel,
    Calibration,
    CalibrationLevel,
    CropGeometry,
    ModelSpec,
    sha256_of,
)
from tests.builders import detector_spec

LEVELS: Final = (CalibrationLevel(0.3, 2.0, 0.1), CalibrationLevel(0.6, 1.5, 0.0))
ALARM: Final = AlarmModel(
    clip=3.0,
    correlation_s=1.5,
    drift=0.25,
    threshold_at_1_per_hour=6.0,
    threshold_per_e_fold=1.2,
    extrapolated_below_per_hour=0.5,
)
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


@pytest.mark.parametrize(
    "spec",
    [
        FULL,
        replace(FULL, crop=None),
        replace(FULL, crop=CropGeometry(224, 1.3, True, 0.07)),
        replace(FULL, calibration=Calibration(1.7, -0.2, LEVELS)),
        replace(FULL, alarm=ALARM),
        replace(FULL, alarm=None),
    ],
    ids=["crop", "no crop", "shifted", "levels", "alarm", "no alarm"],
)
def test_a_spec_is_read_back_as_it_was_written(spec: ModelSpec, tmp_path: Path) -> None:
    path = tmp_path / "model.json"
    spec.save(path)
    assert ModelSpec.load(path) == spec


def test_its_json_starts_with_the_version_and_names_the_crop_geometry(saved: Path) -> None:
    body = json.loads(saved.read_text(encoding="utf-8"))
    assert next(iter(body.items())) == ("version", 1)
    assert (body["crop_size_px"], body["crop_scale"], body["crop_rotate"]) == (32, 1.3, False)
    assert (body["crop_shift_down"], body["crop_to_landmarks"]) == (0.0, 0.0)
    assert body["sha256"] == FULL.sha256
    assert body["calibration"] == {"temperature": 1.7, "bias": -0.2, "levels": []}


def test_a_spec_from_before_shifts_levels_and_alarms_still_loads(saved: Path) -> None:
    newer = ("crop_shift_down", "crop_to_landmarks", "alarm")
    rewrite(saved, lambda body: [body.pop(key) for key in newer])
    rewrite(saved, lambda body: body["calibration"].pop("levels"))
    assert ModelSpec.load(saved) == replace(FULL, alarm=None)


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
        {"calibration": {"levels": [{"above_quality": 0.3}]}},
        {"calibration": {"levels": [asdict(LEVELS[1]), asdict(LEVELS[0])]}},
        {"calibration": {"levels": [asdict(LEVELS[0]) | {"temperature": 0.0}]}},
        {"alarm": {"clip": 3.0}},
        {"alarm": asdict(ALARM) | {"clip": 0.0}},
        {"alarm": asdict(ALARM) | {"correlation_s": -1.0}},
        {"alarm": asdict(ALARM) | {"threshold_per_e_fold": float("nan")}},
        {"crop_shift_down": "low"},
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


@pytest.mark.parametrize(
    ("quality", "temperature"),
    [(0.0, 1.7), (0.29, 1.7), (0.3, 2.0), (0.59, 2.0), (0.6, 1.5), (1, 1.5)],
)
def test_the_last_level_that_a_quality_reaches_calibrates_it(
    quality: float, temperature: float
) -> None:
    assert Calibration(1.7, -0.2, LEVELS).at(quality).temperature == temperature


def test_without_levels_one_calibration_holds_for_all() -> None:
    found = Calibration(1.7, -0.2).at(0.5)
    assert (found.temperature, found.bias) == (1.7, -0.2)


@pytest.mark.parametrize(
    ("per_hour", "threshold"),
    [(1.0, 6.0), (1 / math.e, 7.2), (0.1, 6.0 + 1.2 * math.log(10)), (math.e, 4.8), (1e9, 3.0)],
)
def test_each_factor_e_fewer_false_alarms_costs_the_same_evidence(
    per_hour: float, threshold: float
) -> None:
    assert ALARM.threshold(per_hour) == pytest.approx(threshold)


def test_no_rate_lets_a_single_crop_alarm() -> None:
    assert ALARM.threshold(1e9) == ALARM.clip


def test_a_rate_below_what_was_measured_is_an_extrapolation() -> None:
    assert ALARM.extrapolates(0.1)
    assert not ALARM.extrapolates(0.5)


@pytest.mark.parametrize("path", sorted(WEIGHTS.glob("*.json")), ids=lambda path: path.stem)
def test_every_model_that_ships_is_the_one_described(path: Path) -> None:
    spec = ModelSpec.load(path)
    assert spec.verify(path).is_file()
    assert spec.provenance, "where the weights come from must be said"
