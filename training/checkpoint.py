"""The finished checkpoint ``detector.pt``: reading it, and scoring crops with its network.

A dictionary of plain values and tensors: `recipe` (of `training.fitting.recipe.Recipe`),
`weights` (the moving average), `crop` and `calibration` (of `engines.spec`), and `facts`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, Final, cast

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from training.network import Detector, NetworkConfig

Pixels = NDArray[np.uint8]

PARTS: Final = ("recipe", "weights", "crop", "calibration", "facts")
"""What a finished run puts into its checkpoint."""
AT_ONCE: Final = 8
"""Larger batches fall out of a processor's cache: 18.8 ms a crop at 32, 13.8 at 8."""


def read_checkpoint(path: Path) -> Mapping[str, Any]:
    """Read what a finished run left; no code in the file is run.

    Raises: OSError; ValueError when it is something else.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (UnpicklingError, EOFError, RuntimeError) as exc:
        raise ValueError(f"{path} is no torch checkpoint") from exc
    missing = [key for key in PARTS if not isinstance(state, dict) or key not in state]
    if missing:
        raise ValueError(f"{path} is no finished training run: it lacks {', '.join(missing)}")
    return cast(Mapping[str, Any], state)


def save(state: Mapping[str, Any], path: Path) -> None:
    """Write `state` with torch so that a crash leaves either the old file or the new one."""
    partial = path.with_suffix(".partial")
    torch.save(dict(state), partial)
    partial.replace(path)


def load_network(state: Mapping[str, Any]) -> Detector:
    """Build the network of a finished checkpoint, in evaluation mode.

    Raises: RuntimeError for weights of another network.
    """
    network = Detector(NetworkConfig(**state["recipe"]["network"]))
    network.load_state_dict(state["weights"])
    network.eval()
    return network


def predict(network: Detector, crops: Sequence[Pixels]) -> NDArray[np.float64]:
    """Give the logits (N,) of uint8 RGB crops (S, S, 3), at the network's own size."""
    size = network.config.size_px
    logits = [np.empty(0)]
    with torch.inference_mode():
        for start in range(0, len(crops), AT_ONCE):
            part = [
                cv2.resize(crop, (size, size), interpolation=cv2.INTER_AREA)
                for crop in crops[start : start + AT_ONCE]
            ]
            logits.append(network.logits(torch.from_numpy(np.stack(part)))[0].double().numpy())
    return np.concatenate(logits)
