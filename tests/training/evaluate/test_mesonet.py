"""MesoNet, against a forward pass in numpy after Keras's conventions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import h5py
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from training.evaluate.mesonet import FILES, MesoNet, open_mesonet, read_keras

pytestmark = pytest.mark.torch

Array = NDArray[Any]
MESO4 = ((3, 3, 8), (5, 8, 8), (5, 8, 16), (5, 16, 16))
"""Kernel side, inputs, outputs of each convolution."""


def convolved(maps: Array, kernel: Array, bias: Array, dilation: int = 1) -> Array:
    """A 'same' convolution of (H, W, C) with (h, w, in, out), as Keras defines it, and a ReLU."""
    side = dilation * (kernel.shape[0] - 1) + 1
    out = []
    for index in range(kernel.shape[3]):
        total = np.zeros(maps.shape[:2], np.float32)
        for channel in range(kernel.shape[2]):
            spread = np.zeros((side, side), np.float32)
            spread[::dilation, ::dilation] = kernel[:, :, channel, index]
            plane = np.ascontiguousarray(maps[..., channel])
            total += cv2.filter2D(plane, -1, spread, borderType=cv2.BORDER_CONSTANT)
        out.append(total + bias[index])
    return np.asarray(np.maximum(np.stack(out, -1), 0))


def normed_and_pooled(maps: Array, norm: dict[str, Array], pool: int) -> Array:
    deviation = np.sqrt(norm["moving_variance"] + 1e-3)
    maps = (maps - norm["moving_mean"]) / deviation * norm["gamma"] + norm["beta"]
    height, width, count = maps.shape
    return np.asarray(maps.reshape(height // pool, pool, width // pool, pool, count).max((1, 3)))


class KerasFile:
    """Random weights in Keras's names and order, and the numpy network that they make."""

    def __init__(self, seed: int = 0) -> None:
        self.rng = np.random.default_rng(seed)
        self.arrays: dict[str, Array] = {}
        self.counts = {"conv2d": 4, "batch_normalization": 4, "dense": 2}

    def new(self, kind: str, **shapes: tuple[int, ...]) -> dict[str, Array]:
        self.counts[kind] += 1  # Keras numbers on through a session: not from 1, and past 9
        layer = f"{kind}_{self.counts[kind]}"
        made: dict[str, Array] = {
            key: self.rng.normal(0, 0.3, shape).astype(np.float32) for key, shape in shapes.items()
        }
        if kind == "batch_normalization":
            made["moving_variance"] = np.abs(made["moving_variance"]) + 0.5
        self.arrays |= {f"{layer}/{layer}/{key}:0": value for key, value in made.items()}
        return made

    def conv(self, maps: Array, side: int, outputs: int, dilation: int = 1) -> Array:
        own = self.new("conv2d", kernel=(side, side, maps.shape[2], outputs), bias=(outputs,))
        return convolved(maps, own["kernel"], own["bias"], dilation)

    def pooled(self, maps: Array, pool: int) -> Array:
        width = (maps.shape[2],)
        keys = ("gamma", "beta", "moving_mean", "moving_variance")
        own = self.new("batch_normalization", **dict.fromkeys(keys, width))
        return normed_and_pooled(maps, own, pool)

    def head(self, maps: Array) -> float:
        """Give Keras's probability that the face is real."""
        flat = maps.reshape(-1)
        hidden = self.new("dense", kernel=(len(flat), 16), bias=(16,))
        values = flat @ hidden["kernel"] + hidden["bias"]
        out = self.new("dense", kernel=(16, 1), bias=(1,))
        value = np.where(values > 0, values, 0.1 * values) @ out["kernel"] + out["bias"]
        return float(1 / (1 + np.exp(-value[0])))

    def inception(self, maps: Array, widths: tuple[int, int, int, int]) -> Array:
        ways = [self.conv(maps, 1, widths[0])]
        for dilation, width in enumerate(widths[1:], start=1):
            ways.append(self.conv(self.conv(maps, 1, width), 3, width, dilation))
        return np.concatenate(ways, -1)

    def save(self, path: Path) -> Path:
        with h5py.File(path, "w") as file:
            for name, value in self.arrays.items():
                file[name] = value
        return path


def crop() -> NDArray[np.uint8]:
    return np.random.default_rng(1).integers(0, 256, (256, 256, 3), dtype=np.uint8)


def real_share(network: MesoNet, picture: NDArray[np.uint8]) -> float:
    """The network's probability of real: its logit speaks for fake."""
    with torch.inference_mode():
        return float(torch.sigmoid(-network(torch.from_numpy(picture[None]))).item())


def test_meso4_computes_what_keras_would(tmp_path: Path) -> None:
    keras = KerasFile()
    maps: Array = crop().astype(np.float32) / 255
    for (side, _, outputs), pool in zip(MESO4, (2, 2, 2, 4), strict=True):
        maps = keras.pooled(keras.conv(maps, side, outputs), pool)
    expected = keras.head(maps)
    keras.save(tmp_path / FILES["meso4"])
    network = open_mesonet("meso4", tmp_path)
    assert real_share(network, crop()) == pytest.approx(expected, abs=1e-4)
    assert 0.01 < expected < 0.99  # a saturated output would hide an error


def test_mesoinception_computes_what_keras_would(tmp_path: Path) -> None:
    keras = KerasFile(4)
    maps: Array = crop().astype(np.float32) / 255
    maps = keras.pooled(keras.inception(maps, (1, 4, 4, 2)), 2)
    maps = keras.pooled(keras.inception(maps, (2, 4, 4, 2)), 2)
    maps = keras.pooled(keras.conv(maps, 5, 16), 2)
    maps = keras.pooled(keras.conv(maps, 5, 16), 4)
    expected = keras.head(maps)
    keras.save(tmp_path / FILES["mesoinception"])
    network = open_mesonet("mesoinception", tmp_path)
    assert real_share(network, crop()) == pytest.approx(expected, abs=1e-4)
    assert 0.01 < expected < 0.99


@pytest.mark.parametrize(("inception", "expected"), [(False, 27_977), (True, 28_615)])
def test_the_sizes_are_the_papers(inception: bool, expected: int) -> None:
    network = MesoNet(inception)
    assert sum(p.numel() for p in network.parameters() if p.requires_grad) == expected


def test_weights_of_the_other_network_are_refused(tmp_path: Path) -> None:
    keras = KerasFile()
    keras.conv(np.zeros((8, 8, 3), np.float32), 3, 8)
    arrays = read_keras(keras.save(tmp_path / "other.h5"))
    with pytest.raises(ValueError, match="4 conv2d layers, the file 1"):
        MesoNet(inception=False).load(arrays)


@pytest.mark.data
@pytest.mark.parametrize("name", FILES)
def test_the_published_weights_fit(name: str, data_dir: Path) -> None:
    network = open_mesonet(name, data_dir / "weights")
    assert 0 <= real_share(network, crop()) <= 1
