"""Scorers: checkpoints, exported models, and what a report says of them."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from engines.spec import Calibration, CalibrationLevel, CropGeometry, sha256_of
from stream.config import REPOSITORY
from tests.training.sample_data import write_data
from training.calibration.levels import calibrated
from training.evaluate.lists import load_examples
from training.evaluate.scorers import CheckpointScorer, EngineScorer, model_name, open_scorer
from training.evaluate.scoring import over_threshold, score_checkpoint
from training.network import Detector, NetworkConfig

pytestmark = pytest.mark.torch

LEVELS = (CalibrationLevel(0.0, 4.0, 0.0), CalibrationLevel(0.5, 2.0, 1.0))


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_checkpoint(tmp_path_factory.mktemp("run") / "detector.pt", {"threshold": 0.8})


def write_checkpoint(path: Path, facts: dict[str, Any]) -> Path:
    torch.manual_seed(0)
    config = NetworkConfig(size_px=64)
    state = {
        "recipe": {"network": asdict(config)},
        "weights": Detector(config).state_dict(),
        "crop": asdict(CropGeometry(64, 0.85, shift_down=0.05)),
        "calibration": asdict(Calibration(3.0, -1.0, LEVELS)),
        "facts": facts,
    }
    torch.save(state, path)
    return path


def crops(count: int, side: int = 64) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.random.default_rng(0).integers(0, 256, (count, side, side, 3), dtype=np.uint8)


def test_a_checkpoint_brings_its_geometry_calibration_and_frozen_threshold(
    checkpoint: Path,
) -> None:
    identity = open_scorer(checkpoint, "mine").identity
    assert identity.name == "mine"
    assert identity.sha256 == sha256_of(checkpoint)
    assert identity.geometry == CropGeometry(64, 0.85, shift_down=0.05)
    assert identity.calibration.levels == LEVELS
    assert identity.threshold == 0.8


def test_a_checkpoint_that_names_no_threshold_has_one_half(tmp_path: Path) -> None:
    assert open_scorer(write_checkpoint(tmp_path / "d.pt", {})).identity.threshold == 0.5


def test_a_threshold_that_is_no_probability_is_refused(tmp_path: Path) -> None:
    path = write_checkpoint(tmp_path / "d.pt", {"threshold": 1.5})
    with pytest.raises(ValueError, match="between 0 and 1"):
        open_scorer(path)


def test_a_checkpoint_scores_what_its_network_does_whatever_the_batch(checkpoint: Path) -> None:
    scorer = open_scorer(checkpoint)
    assert isinstance(scorer, CheckpointScorer)
    logits, maps = scorer.look(crops(11))
    with torch.inference_mode():
        expected, heatmap = scorer.network(torch.from_numpy(crops(11)))
    np.testing.assert_allclose(logits, expected.numpy(), atol=1e-4)
    assert maps is not None
    np.testing.assert_allclose(maps, heatmap.numpy(), atol=1e-4)
    assert len(scorer.look(crops(0))[0]) == 0


def test_crops_of_another_size_are_resized(checkpoint: Path) -> None:
    scorer, large = open_scorer(checkpoint), crops(2, side=128)
    logits, maps = scorer.look(large)
    small = [cv2.resize(crop, (64, 64), interpolation=cv2.INTER_AREA) for crop in large]
    np.testing.assert_allclose(logits, scorer.look(np.stack(small))[0], atol=1e-5)
    assert maps is not None
    assert maps.shape == (2, 14, 14)


def test_the_shipped_model_opens_through_its_engine() -> None:
    path = REPOSITORY / "weights" / "detector.json"
    scorer = open_scorer(path.with_suffix(".onnx"))
    assert isinstance(scorer, EngineScorer)
    assert scorer.identity.sha256 == sha256_of(path.with_suffix(".onnx"))
    assert scorer.identity.threshold == 0.5
    logits, maps = scorer.look(crops(1, side=224))
    assert np.isfinite(logits).all()
    assert maps is not None
    scorer.close()


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="neither a checkpoint"):
        open_scorer(tmp_path / "detector.h5")


def test_models_are_named_by_their_folders_where_all_are_called_detector(tmp_path: Path) -> None:
    assert model_name(tmp_path / "rgb" / "detector.pt") == "rgb"
    assert model_name(tmp_path / "final.pt") == "final"


def test_calibration_follows_quality_and_the_threshold_is_taken_off(checkpoint: Path) -> None:
    identity = open_scorer(checkpoint).identity
    logits, quality = np.array([2.0, 2.0]), np.array([0.1, 0.9])
    np.testing.assert_allclose(calibrated(identity.calibration, logits, quality), [0.5, 2.0])
    # log(0.8 / 0.2) = 1.386: half a nat is not enough, two are.
    over = over_threshold(logits, quality, identity)
    np.testing.assert_allclose(over, [0.5 - np.log(4), 2 - np.log(4)])


def test_the_scores_of_a_list_bear_what_intervals_and_calibration_need(
    checkpoint: Path, tmp_path: Path
) -> None:
    folder = write_data(tmp_path, per_class=6)
    scores = score_checkpoint(checkpoint, "dfdc-calib", folder)
    geometry = CropGeometry(224, 0.85, shift_down=0.05)  # the model takes 64 px
    listed = load_examples("dfdc-calib", folder, geometry)
    expected, _ = open_scorer(checkpoint).look(listed.crops)
    np.testing.assert_allclose(scores.logits, expected)
    assert scores.logits.dtype == np.float64
    assert scores.groups == listed.groups
    assert scores.fake.tolist() == listed.fake.tolist()
    assert ((scores.qualities >= 0) & (scores.qualities <= 1)).all()
