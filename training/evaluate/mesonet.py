"""MesoNet, the published baseline: Meso4 and MesoInception4 with their authors' weights.

Afchar, Nozick, Yamagishi, Echizen, "MesoNet: a Compact Facial Video Forgery Detection Network"
(WIFS 2018). Crops (N, 256, 256, 3) of 0..1 in RGB; the sigmoid's output is the probability that a
face is *real* (their classes are the folders ``df`` = 0 and ``real`` = 1), so the sign is turned.

    Meso4            3x3 8 -> 5x5 8 -> 5x5 16 -> 5x5 16, each with ReLU, batch norm and max pooling
                     by 2, 2, 2, 4 -> (N, 16, 8, 8) -> 16, leaky ReLU -> 1
    MesoInception4   its first two layers are inception blocks: 1x1 | 1x1, 3x3 | 1x1, 3x3 dilated
                     by 2 | 1x1, 3x3 dilated by 3

The weights are Keras's: convolutions (h, w, in, out), dense layers (in, out), maps flattened with
the channels last, batch norms with an epsilon of 0.001.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

SIDE_PX: Final = 256
KERAS_EPSILON: Final = 1e-3
LEAK: Final = 0.1
POOLS: Final = (2, 2, 2, 4)
FILES: Final[Mapping[str, str]] = {
    "meso4": "Meso4_DF.h5",
    "meso4-f2f": "Meso4_F2F.h5",
    "mesoinception": "MesoInception_DF.h5",
    "mesoinception-f2f": "MesoInception_F2F.h5",
}
"""Baseline -> file in the data folder's ``weights``: trained on face swaps (DF) or Face2Face."""

NORM_KEYS: Final = {
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}

Arrays = Mapping[str, NDArray[np.float32]]


class Inception(nn.Module):  # type: ignore[misc]  # mypy is kept from reading torch
    """Four ways side by side; `widths` are their maps, (N, C, H, W) -> (N, sum, H, W)."""

    def __init__(self, inputs: int, widths: tuple[int, int, int, int]) -> None:
        super().__init__()
        self.points = nn.ModuleList(nn.Conv2d(inputs, width, 1) for width in widths)
        self.wide = nn.ModuleList(
            nn.Conv2d(width, width, 3, padding=reach, dilation=reach)
            for reach, width in enumerate(widths[1:], start=1)
        )

    def forward(self, maps: Tensor) -> Tensor:
        """Every convolution is followed by a ReLU, the inner ones too."""
        point, *inner = (F.relu(layer(maps)) for layer in self.points)
        outer = [F.relu(layer(way)) for layer, way in zip(self.wide, inner, strict=True)]
        return torch.cat([point, *outer], 1)

    def in_order(self) -> list[nn.Module]:
        """The convolutions in the order in which Keras numbered them: way by way."""
        first, *points = self.points
        pairs = zip(points, self.wide, strict=True)
        return [first, *(layer for pair in pairs for layer in pair)]


class MesoNet(nn.Module):  # type: ignore[misc]
    """Meso4, or MesoInception4 with `inception`."""

    def __init__(self, inception: bool) -> None:
        super().__init__()
        head: tuple[nn.Module, nn.Module]
        if inception:
            head, widths = (Inception(3, (1, 4, 4, 2)), Inception(11, (2, 4, 4, 2))), (11, 12)
        else:
            head, widths = (_conv(3, 8, 3), _conv(8, 8, 5)), (8, 8)
        self.layers = nn.ModuleList([*head, _conv(widths[1], 16, 5), _conv(16, 16, 5)])
        self.norms = nn.ModuleList(
            nn.BatchNorm2d(width, eps=KERAS_EPSILON) for width in (*widths, 16, 16)
        )
        self.hidden = nn.Linear(16 * (SIDE_PX // 32) ** 2, 16)
        self.out = nn.Linear(16, 1)

    def forward(self, crops: Tensor) -> Tensor:
        """Give the fake logit (N,) of uint8 RGB crops (N, 256, 256, 3)."""
        maps = crops.permute(0, 3, 1, 2).float() / 255
        for layer, norm, pool in zip(self.layers, self.norms, POOLS, strict=True):
            maps = F.max_pool2d(norm(F.relu(layer(maps))), pool)
        flat = maps.permute(0, 2, 3, 1).flatten(1)
        real: Tensor = self.out(F.leaky_relu(self.hidden(flat), LEAK))
        return -real.squeeze(1)

    def load(self, arrays: Arrays) -> None:
        """Take over Keras's arrays, named ``layer/variable`` as `read_keras` gives them.

        Raises: ValueError when they are those of another network.
        """
        convolutions = [
            part
            for layer in self.layers
            for part in (layer.in_order() if isinstance(layer, Inception) else [layer])
        ]
        modules = {
            "conv2d": convolutions, "batch_normalization": self.norms,
            "dense": [self.hidden, self.out],
        }  # fmt: skip
        for kind, own in modules.items():
            names = _numbered(arrays, kind)
            if len(names) != len(own):
                raise ValueError(f"MesoNet has {len(own)} {kind} layers, the file {len(names)}")
            for name, module in zip(names, own, strict=True):
                _fill(module, arrays, name)


def open_mesonet(name: str, weights: Path) -> MesoNet:
    """Give the baseline `name`, a key of `FILES`, in evaluation mode; `weights` is a folder.

    Raises: OSError; ValueError for a file of another network.
    """
    network = MesoNet(inception=name.startswith("mesoinception"))
    network.load(read_keras(weights / FILES[name]))
    network.eval()
    return network


def read_keras(path: Path) -> dict[str, NDArray[np.float32]]:
    """Read the arrays of a Keras weight file as ``layer/variable``: ``conv2d_5/kernel``.

    Raises: OSError when the file is missing or no HDF5.
    """
    found: dict[str, NDArray[np.float32]] = {}

    def visit(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            parts = name.split("/")
            found[f"{parts[0]}/{parts[-1].partition(':')[0]}"] = np.asarray(item, np.float32)

    with h5py.File(path) as file:
        file.visititems(visit)
    return found


def _numbered(arrays: Iterable[str], kind: str) -> list[str]:
    """The layers of a kind as Keras numbered them: in the order of their making."""
    names = {name.partition("/")[0] for name in arrays}
    own = [name for name in names if re.fullmatch(rf"{kind}(_\d+)?", name)]
    return sorted(own, key=lambda name: int(name.removeprefix(kind).lstrip("_") or 0))


def _fill(module: nn.Module, arrays: Arrays, layer: str) -> None:
    given = {
        key.partition("/")[2]: torch.from_numpy(value)
        for key, value in arrays.items()
        if key.startswith(f"{layer}/")
    }
    if isinstance(module, nn.BatchNorm2d):
        state = {own: given[keras] for keras, own in NORM_KEYS.items()}
        state["num_batches_tracked"] = torch.tensor(0)
    else:
        kernel = given["kernel"]
        turned = kernel.permute(3, 2, 0, 1) if kernel.ndim == 4 else kernel.T
        state = {"weight": turned, "bias": given["bias"]}
    try:
        module.load_state_dict(state)
    except RuntimeError as exc:
        raise ValueError(f"the file's {layer} does not fit MesoNet") from exc


def _conv(inputs: int, outputs: int, kernel: int) -> nn.Module:
    return nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2)
