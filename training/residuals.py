"""High-pass front ends: fixed or trainable SRM filters, and Bayar's constrained convolution.

All give nine maps, three filters for each colour channel, so that an ablation between them
changes the filters and nothing else.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

MAPS: Final = 9

SRM_KERNELS: Final = (
    (2, ((0, 0, 0, 0, 0), (0, 0, 0, 0, 0), (0, 1, -2, 1, 0), (0, 0, 0, 0, 0), (0, 0, 0, 0, 0))),
    (4, ((0, 0, 0, 0, 0), (0, -1, 2, -1, 0), (0, 2, -4, 2, 0), (0, -1, 2, -1, 0), (0, 0, 0, 0, 0))),
    (
        12,
        (
            (-1, 2, -2, 2, -1),
            (2, -6, 8, -6, 2),
            (-2, 8, -12, 8, -2),
            (2, -6, 8, -6, 2),
            (-1, 2, -2, 2, -1),
        ),
    ),
)
"""Divisor and 5x5 kernel of the three filters that Zhou et al. chose from the rich model."""

LEAST_SUM: Final = 0.1
"""A Bayar kernel is divided by its sum; training may bring that near zero, or through it."""


class SrmResidual(nn.Module):  # type: ignore[misc]  # mypy is kept from reading torch
    """High-pass residuals of each colour channel, truncated: (N, 3, H, W) -> (N, 9, H, W).

    Takes the 0-255 scale; gives -1..1, channel by channel (R with three kernels, then G, B).
    The border is reflected, so that a constant image has no residual at its edge either. With
    `trainable` the kernels only start as SRM's, and are saved with the weights.
    """

    def __init__(self, limit: float, trainable: bool = False) -> None:
        super().__init__()
        self.limit = limit
        rows = [torch.tensor(kernel).float() / divisor for divisor, kernel in SRM_KERNELS]
        kernels = torch.stack(rows)[:, None].repeat(3, 1, 1, 1)
        self.kernels: Tensor
        if trainable:
            self.kernels = nn.Parameter(kernels)
        else:
            self.register_buffer("kernels", kernels, persistent=False)

    def forward(self, pixels: Tensor) -> Tensor:
        """Filter, clip to +-limit, and divide by the limit."""
        residual = _filtered(pixels, self.kernels)
        return residual.clamp(-self.limit, self.limit) / self.limit


class BayarResidual(nn.Module):  # type: ignore[misc]
    """Errors of learnt predictions from a pixel's neighbours: (N, 3, H, W) -> (N, 9, H, W).

    Takes and gives the 0-255 scale. Bayar & Stamm, "Constrained Convolutional Neural Networks"
    (IEEE TIFS 2018): a kernel's centre is -1 and its other weights sum to 1. They are normalised
    at every pass, so that the optimiser never leaves the constraint.
    """

    def __init__(self, size: int = 5) -> None:
        super().__init__()
        neighbours = size * size - 1
        # Near the mean of the neighbours, so that the sums start at about 1.
        self.weight = nn.Parameter((1 + 0.5 * torch.randn(MAPS, neighbours)) / neighbours)
        self.size = size

    def kernels(self) -> Tensor:
        """The kernels in use, float (9, 1, size, size)."""
        total = self.weight.sum(1, keepdim=True)
        sign = torch.where(total < 0, -1.0, 1.0).to(total.dtype)
        weight = self.weight / (sign * total.abs().clamp(min=LEAST_SUM))
        half = weight.shape[1] // 2
        centre = -torch.ones_like(weight[:, :1])
        flat = torch.cat([weight[:, :half], centre, weight[:, half:]], 1)
        return flat.view(MAPS, 1, self.size, self.size)

    def forward(self, pixels: Tensor) -> Tensor:
        """Filter with the constrained kernels."""
        return _filtered(pixels, self.kernels())


def _filtered(pixels: Tensor, kernels: Tensor) -> Tensor:
    padded = F.pad(pixels, (2, 2, 2, 2), mode="reflect")
    device = pixels.device.type
    if not torch.is_autocast_enabled(device):
        return F.conv2d(padded, kernels, groups=3)
    # Kernels rounded to 8 bits no longer sum to 0: beside 255 the error is as large as a residual.
    with torch.autocast(device, enabled=False):
        return F.conv2d(padded.float(), kernels.float(), groups=3)
