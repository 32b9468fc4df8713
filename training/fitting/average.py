"""The moving average of the weights, which is what is evaluated and shipped."""

from __future__ import annotations

from typing import Any

import torch
from lightning.pytorch.callbacks import WeightAveraging
from torch import Tensor


class MovingAverage(WeightAveraging):  # type: ignore[misc]  # mypy is kept from reading Lightning
    """Lightning's averaging with a decay that grows to `decay`.

    Early on the average follows closely, or it would keep the untrained head for long. Batch
    norms' statistics are averaged like the weights. A checkpoint's ``state_dict`` holds the
    average, its ``current_model_state`` the weights that training goes on with.
    """

    def __init__(self, decay: float) -> None:
        def follow(averages: list[Tensor], weights: list[Tensor], count: Tensor | int) -> None:
            step = int(count)
            if averages[0].is_floating_point():
                share = 1 - min(decay, (1 + step) / (10 + step))
                torch._foreach_lerp_(averages, weights, share)
            else:
                torch._foreach_copy_(averages, weights)

        super().__init__(multi_avg_fn=follow)

    def state_dict(self) -> dict[str, Any]:
        """Nothing: the average lies in the checkpoint, and a resumed trainer counts from 0."""
        return {}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take nothing, as `state_dict` gives it."""
