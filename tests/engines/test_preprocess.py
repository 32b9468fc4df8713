"""model_input: exactly what the spec says, or a sentence about what was wrong."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import numpy as np
import pytest
from numpy.typing import NDArray

from engines.preprocess import model_input
from engines.spec import ModelSpec, TensorSpec
from tests.builders import CROP_PX, detector_spec

UINT8: Final = detector_spec()
FLOAT: Final = replace(
    UINT8,
    inputs=(TensorSpec("x", "float32", ("batch", 3, 4, 6)),),
    layout="NCHW",
    mean=(10.0, 20.0, 30.0),
    std=(2.0, 4.0, 5.0),
)
OPEN_SIDES: Final = replace(
    FLOAT, inputs=(TensorSpec("x", "float32", ("batch", 3, "height", "width")),)
)


def batch(count: int = 2, height: int = 4, width: int = 6, dtype: Any = np.uint8) -> NDArray[Any]:
    values = np.arange(count * height * width * 3) % 251
    return values.reshape(count, height, width, 3).astype(dtype)


def test_uint8_pixels_of_an_nhwc_model_pass_unchanged() -> None:
    pixels = batch(3, CROP_PX, CROP_PX)
    given = model_input(pixels, UINT8)
    assert given.dtype == np.uint8
    np.testing.assert_array_equal(given, pixels)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_normalisation_is_per_channel_on_the_0_to_255_scale(dtype: Any) -> None:
    pixels = np.full((1, 4, 6, 3), 100, dtype)
    given = model_input(pixels, FLOAT)
    assert given.dtype == np.float32
    assert given[0, :, 0, 0] == pytest.approx([45.0, 20.0, 14.0])


def test_an_nchw_model_gets_channels_first_with_rows_and_columns_in_place() -> None:
    pixels = batch()
    plain = replace(FLOAT, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))
    given = model_input(pixels, plain)
    assert given.shape == (2, 3, 4, 6)
    assert given[1, 2, 3, 5] == pixels[1, 3, 5, 2]
    assert given[0, 0, 1, 4] == pixels[0, 1, 4, 0]


def test_a_half_precision_input_is_normalised_before_it_is_rounded() -> None:
    half = replace(
        FLOAT, inputs=(TensorSpec("x", "float16", ("batch", 3, 4, 6)),), mean=(255.0, 0.0, 0.0)
    )
    given = model_input(np.full((1, 4, 6, 3), 255, np.uint8), half)
    assert given.dtype == np.float16
    assert given[0, 0, 0, 0] == 0.0


@pytest.mark.parametrize("spec", [UINT8, FLOAT], ids=["NHWC", "NCHW"])
def test_what_comes_out_is_contiguous_even_from_a_slice(spec: ModelSpec) -> None:
    side = CROP_PX if spec is UINT8 else 0
    whole = batch(2, 2 * (side or 4), 2 * (side or 6))
    given = model_input(whole[:, ::2, ::2], spec)
    assert given.flags.c_contiguous


def test_the_pixels_given_are_not_changed() -> None:
    pixels = batch(dtype=np.float32)
    before = pixels.copy()
    model_input(pixels, FLOAT)
    np.testing.assert_array_equal(pixels, before)


def test_a_batch_of_nothing_stays_a_batch_of_nothing() -> None:
    assert model_input(batch(0), FLOAT).shape == (0, 3, 4, 6)


def test_open_sides_take_any_size() -> None:
    assert model_input(batch(1, 17, 9), OPEN_SIDES).shape == (1, 3, 17, 9)


@pytest.mark.parametrize(
    ("shape", "spec"),
    [
        ((4, 6, 3), FLOAT),
        ((1, 1, 4, 6, 3), FLOAT),
        ((1, 3, 4, 6), FLOAT),
        ((1, 6, 4, 3), FLOAT),
        ((1, 4, 6, 4), FLOAT),
        ((1, 9, 9, 1), OPEN_SIDES),
        ((1, CROP_PX, CROP_PX + 1, 3), UINT8),
    ],
    ids=str,
)
def test_another_shape_is_refused_and_both_shapes_named(
    shape: tuple[int, ...], spec: ModelSpec
) -> None:
    with pytest.raises(ValueError, match="takes batch×") as caught:
        model_input(np.zeros(shape, np.uint8), spec)
    assert str(shape) in str(caught.value)


@pytest.mark.parametrize("dtype", [np.float32, np.int64])
def test_a_model_of_bytes_takes_no_other_pixels(dtype: Any) -> None:
    with pytest.raises(ValueError, match="uint8 pixels"):
        model_input(batch(1, CROP_PX, CROP_PX, dtype), UINT8)
