"""Grad-CAM, against a network whose evidence lies at a known place."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from training.evaluate.measures.gradcam import grad_cam
from training.network import Detector, NetworkConfig

pytestmark = pytest.mark.torch


class Trunk(nn.Module):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.bn2 = nn.Identity()


class Toy(nn.Module):  # type: ignore[misc]
    """Two maps, means over cells of 32 px: red speaks for fake by 3, green against it by 2."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = Trunk()

    def logits(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        pixels = crops.permute(0, 3, 1, 2).float()[:, :2]
        maps = self.trunk.bn2(nn.functional.avg_pool2d(pixels, 32).requires_grad_())
        mean = maps.mean((2, 3))
        return 3 * mean[:, 0] - 2 * mean[:, 1], maps


def test_the_map_is_the_weighted_sum_of_maps_above_zero() -> None:
    crops = np.zeros((1, 64, 64, 3), np.uint8)
    crops[0, :32, 32:, 0] = 100  # red, above right
    crops[0, 32:, :32, 1] = 100  # green, below left
    found = grad_cam(Toy(), crops)
    # Four cells: each weight is its slope / 4, and what speaks against fake is cut off.
    np.testing.assert_allclose(found[0], [[0, 75], [0, 0]])


def test_it_looks_at_a_detector_and_leaves_it_as_it_was() -> None:
    torch.manual_seed(0)
    network = Detector(NetworkConfig(size_px=64)).eval()
    crops = np.random.default_rng(0).integers(0, 256, (10, 64, 64, 3), dtype=np.uint8)
    found = grad_cam(network, crops)
    assert found.shape == (10, 2, 2)
    assert (found >= 0).all()
    assert not network.trunk.bn2._forward_hooks
    assert all(parameter.grad is None for parameter in network.parameters())
