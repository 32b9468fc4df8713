"""The finished checkpoint."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the train extra")
pytest.importorskip("timm", reason="needs the train extra")

from training.checkpoint import PARTS, load_network, predict, read_checkpoint  # noqa: E402
from training.network import Detector, NetworkConfig  # noqa: E402

pytestmark = pytest.mark.torch

NETWORK = NetworkConfig(trunk="mobilenetv2_035", size_px=32)


def finished() -> dict[str, Any]:
    torch.manual_seed(0)
    weights = Detector(NETWORK).state_dict()
    plain: dict[str, Any] = {"crop": {}, "calibration": {}, "facts": {}}
    return {"recipe": {"network": asdict(NETWORK)}, "weights": weights, **plain}


def test_the_network_comes_back_ready_to_score(tmp_path: Path) -> None:
    torch.save(finished(), tmp_path / "detector.pt")
    network = load_network(read_checkpoint(tmp_path / "detector.pt"))
    crops = np.random.default_rng(0).integers(0, 256, (40, 32, 32, 3), np.uint8)
    logits = predict(network, list(crops))
    with torch.inference_mode():
        expected, _ = network(torch.from_numpy(crops))
    np.testing.assert_allclose(logits, expected.numpy(), atol=1e-5)


def test_crops_of_any_size_are_scored_at_the_networks() -> None:
    network = load_network(finished())
    crop = np.full((64, 64, 3), 90, np.uint8)
    np.testing.assert_allclose(predict(network, [crop]), predict(network, [crop[:32, :32]]))
    assert predict(network, []).shape == (0,)


@pytest.mark.parametrize("part", PARTS)
def test_a_run_that_is_not_finished_is_none(part: str, tmp_path: Path) -> None:
    state = {key: value for key, value in finished().items() if key != part}
    torch.save(state, tmp_path / "checkpoint.pt")
    with pytest.raises(ValueError, match=f"lacks {part}"):
        read_checkpoint(tmp_path / "checkpoint.pt")


@pytest.mark.parametrize("content", [b"no checkpoint", b""])
def test_other_files_are_none_either(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.pt").write_bytes(content)
    with pytest.raises(ValueError, match="no torch checkpoint"):
        read_checkpoint(tmp_path / "x.pt")
