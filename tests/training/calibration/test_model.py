"""Models that take a calibration."""

from __future__ import annotations

import shutil
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch

from engines.errors import ModelMismatch
from engines.spec import AlarmModel, Calibration, CalibrationLevel, CropGeometry, ModelSpec
from stream.config import REPOSITORY
from training.calibration.model import opened_model
from training.network import Detector, NetworkConfig

pytestmark = pytest.mark.torch
FOUND = Calibration(1.5, 0.25, (CalibrationLevel(0.0, 2.0, 0.5), CalibrationLevel(0.5, 1.0, 0.0)))
ALARM = AlarmModel(3.0, 0.8, 0.5, 6.0, 1.2, 1.6)


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    for name in ("detector.json", "detector.onnx"):
        shutil.copy(REPOSITORY / "weights" / name, tmp_path)
    return tmp_path / "detector.json"


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    config = NetworkConfig(size_px=64)
    torch.manual_seed(0)
    state = {
        "recipe": {"network": asdict(config)},
        "weights": Detector(config).state_dict(),
        "crop": asdict(CropGeometry(64, 1.3, shift_down=0.05)),
        "calibration": asdict(Calibration()),
        "facts": {"steps": 1},
    }
    torch.save(state, tmp_path / "detector.pt")
    return tmp_path / "detector.pt"


def test_a_spec_takes_the_calibration_and_keeps_the_rest(spec: Path) -> None:
    before = ModelSpec.load(spec)
    with opened_model(spec, 1) as model:
        assert model.geometry == before.crop
        crops = np.random.default_rng(0).integers(0, 255, (40, 160, 160, 3)).astype(np.uint8)
        assert model.logits(crops).shape == (40,)
        model.write(FOUND, ALARM)
    after = ModelSpec.load(spec)
    assert (after.calibration, after.alarm) == (FOUND, ALARM)
    assert (after.sha256, after.crop, after.provenance) == (
        before.sha256, before.crop, before.provenance,
    )  # fmt: skip


def test_a_checkpoint_takes_both_and_keeps_the_rest(checkpoint: Path) -> None:
    before = torch.load(checkpoint, weights_only=True)
    with opened_model(checkpoint, 1) as model:
        assert model.geometry == CropGeometry(64, 1.3, shift_down=0.05)
        crops = np.random.default_rng(0).integers(0, 255, (40, 64, 64, 3)).astype(np.uint8)
        assert model.logits(crops).shape == (40,)
        model.write(FOUND, ALARM)
    after = torch.load(checkpoint, weights_only=True)
    assert Calibration.from_body(after["calibration"]) == FOUND
    assert AlarmModel(**after["alarm"]) == ALARM
    assert after["facts"] == before["facts"]
    assert all(
        torch.equal(after["weights"][key], value) for key, value in before["weights"].items()
    )
    assert not list(checkpoint.parent.glob("*.partial"))


def test_what_is_neither_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.pt").write_bytes(b"nothing")
    with pytest.raises(ValueError, match=r"a\.pt"), opened_model(tmp_path / "a.pt", 1):
        pass
    with pytest.raises(ModelMismatch), opened_model(tmp_path / "none.json", 1):
        pass
