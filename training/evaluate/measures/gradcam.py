"""Grad-CAM, the usual explanation, to compare the detector's own heat map with.

Selvaraju et al., "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based
Localization" (ICCV 2017).
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from training.network import Detector

BATCH = 8


def grad_cam(
    network: Detector, crops: NDArray[np.uint8], device: str = "cpu"
) -> NDArray[np.float32]:
    """Give maps (N, H/32, W/32), not negative, for the fake logit at the trunk's last maps.

    `crops` are uint8 RGB (N, S, S, 3) at the network's own size.
    """
    kept: list[Tensor] = []
    # The trunk's last normalisation gives the maps that are pooled.
    hook = network.trunk.bn2.register_forward_hook(
        lambda module, inputs, output: kept.append(output)
    )
    maps = []
    try:
        for start in range(0, len(crops), BATCH):
            kept.clear()
            part = torch.from_numpy(crops[start : start + BATCH]).to(device)
            with torch.enable_grad():
                logit, _ = network.logits(part)
                (slope,) = torch.autograd.grad(logit.sum(), kept[0])
            weights = slope.mean((2, 3), keepdim=True)
            maps.append((weights * kept[0]).sum(1).relu().detach().cpu().numpy())
    finally:
        hook.remove()
    return np.concatenate(maps).astype(np.float32)
