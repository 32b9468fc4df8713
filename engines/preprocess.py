"""Crop batch -> model input, exactly as the spec says."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from engines.spec import Dimension, ModelSpec


def model_input(batch: NDArray[Any], spec: ModelSpec) -> NDArray[Any]:
    """Bring a batch of RGB pixels to the model's dtype, normalisation and layout.

    `batch` is uint8 or float32, (N, H, W, 3), 0-255. The result is C-contiguous.

    Raises: ValueError that names the expected and the actual shape.
    """
    tensor = spec.inputs[0]
    expected = tensor.shape
    if spec.layout == "NCHW":
        expected = (expected[0], *expected[2:], expected[1])
    if batch.ndim != 4 or not all(map(_fits, batch.shape, expected)):
        shape = "×".join(map(str, expected))
        raise ValueError(f"{spec.name} takes {shape} RGB pixels (NHWC), got {batch.shape}")
    if tensor.dtype == "uint8":
        if batch.dtype != np.uint8:
            raise ValueError(f"{spec.name} takes uint8 pixels, got {batch.dtype}")
        values: NDArray[Any] = batch
    else:
        normalised = _planes if spec.layout == "NCHW" else _normalised
        return normalised(batch, spec).astype(tensor.dtype, copy=False)
    if spec.layout == "NCHW":
        values = values.transpose(0, 3, 1, 2)
    return np.ascontiguousarray(values)


def _planes(batch: NDArray[Any], spec: ModelSpec) -> NDArray[np.float32]:
    # Plane by plane, straight into its place.
    count, height, width, channels = batch.shape
    values = np.empty((count, channels, height, width), np.float32)
    for channel, (mean, std) in enumerate(zip(spec.mean, spec.std, strict=True)):
        plane = values[:, channel]
        np.subtract(batch[..., channel], np.float32(mean), out=plane)
        plane /= np.float32(std)
    return values


def _normalised(batch: NDArray[Any], spec: ModelSpec) -> NDArray[np.float32]:
    # Whole rows against tiled constants: numpy broadcasts over a last axis of 3 four times slower.
    count, height, width, channels = batch.shape
    values = batch.astype(np.float32).reshape(count, height, width * channels)
    values -= np.tile(np.asarray(spec.mean, np.float32), width)
    values /= np.tile(np.asarray(spec.std, np.float32), width)
    return values.reshape(batch.shape)


def _fits(actual: int, expected: Dimension) -> bool:
    return isinstance(expected, str) or actual == expected
