"""Pictures of every kind, decoded: upright, RGB, small enough, or refused."""

from __future__ import annotations

import math

import numpy as np
import pytest
from PIL import Image

from stream.files.errors import Broken, FileError, TooLarge, UnknownFormat
from stream.files.pictures import LOOK_PIXELS, LOOK_SIDE, TURNS, decode_picture, look_size
from stream.types import Pixels
from tests.stream.files.decoded import decoded
from tests.stream.files.malformed import ORIENTATION, as_file, small

MOST = 50_000_000


def shown(data: bytes) -> Pixels:
    """The picture that a file holds."""
    _, ((_, pixels),), end = decoded(decode_picture, data, pixels=MOST)
    assert end["frames"] == 1
    return pixels


def apart(one: Pixels, other: Pixels) -> float:
    """How far two pictures lie apart on average, in grey levels."""
    return float(np.abs(one.astype(np.float32) - other.astype(np.float32)).mean())


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF"])
def test_a_picture_without_loss_comes_as_it_is(kind: str) -> None:
    assert np.array_equal(shown(as_file(small(), kind)), np.asarray(small()))


@pytest.mark.parametrize("mode", ["CMYK", "L", "RGBA", "P", "1"])
def test_other_colours_become_rgb(mode: str) -> None:
    image = small().convert(mode)
    kind = "TIFF" if mode == "CMYK" else "PNG"
    assert apart(shown(as_file(image, kind)), np.asarray(image.convert("RGB"))) < 1


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_become_eight_and_are_not_cut_off(kind: str) -> None:
    grey = np.asarray(small().convert("L"))
    data = as_file(Image.fromarray(grey.astype(np.uint16) * 257), kind)
    assert np.array_equal(shown(data)[..., 0], grey)


def test_whole_numbers_of_32_bits_are_read_and_fractions_are_refused() -> None:
    grey = np.asarray(small().convert("L"))
    low = as_file(Image.fromarray(grey.astype(np.int32)), "TIFF")
    high = as_file(Image.fromarray(grey.astype(np.int32) * 257), "TIFF")
    assert np.array_equal(shown(low), shown(high))
    with pytest.raises(Broken, match="floating-point"):
        shown(as_file(Image.fromarray(grey.astype(np.float32)), "TIFF"))


@pytest.mark.parametrize("orientation", [1, *TURNS])
def test_exif_turns_a_picture_upright(orientation: int) -> None:
    undo = {6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}
    method = undo.get(orientation, TURNS.get(orientation))
    lying = small() if method is None else small().transpose(method)
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    begun, ((_, pixels),), _ = decoded(
        decode_picture, as_file(lying, "PNG", exif=exif), pixels=MOST
    )
    assert np.array_equal(pixels, np.asarray(small()))
    assert tuple(begun["size_px"]) == small().size


def test_of_an_animation_the_first_picture_is_taken_and_it_is_said() -> None:
    frames = [small(), small().rotate(90), small().rotate(180)]
    data = as_file(frames[0], "PNG", save_all=True, append_images=frames[1:])
    begun, ((_, pixels),), _ = decoded(decode_picture, data, pixels=MOST)
    assert begun["animated"]
    assert np.array_equal(pixels, np.asarray(small()))


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_large_picture_is_averaged_down_and_tells_its_own_size(kind: str) -> None:
    large = small().resize((4 * small().width, 4 * small().height * 2), Image.Resampling.BICUBIC)
    begun, ((_, pixels),), _ = decoded(decode_picture, as_file(large, kind), pixels=MOST)
    assert tuple(begun["size_px"]) == large.size
    assert pixels.shape[1::-1] == look_size(*large.size)
    assert pixels.shape[0] * pixels.shape[1] <= LOOK_PIXELS + 4096
    expected = large.resize(look_size(*large.size), Image.Resampling.BOX)
    assert apart(pixels, np.asarray(expected)) < 3


@pytest.mark.parametrize(
    "size", [(1, 1), (1920, 1080), (6000, 8000), (1, 50_000_000), (50_000_000, 1)]
)
def test_what_is_looked_at_is_never_larger_than_a_look_may_be(size: tuple[int, int]) -> None:
    width, height = look_size(*size)
    assert 1 <= width <= min(size[0], LOOK_SIDE)
    assert 1 <= height <= min(size[1], LOOK_SIDE)
    assert width * height <= LOOK_PIXELS * 1.01
    if math.prod(size) <= LOOK_PIXELS:
        assert (width, height) == size


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"no picture", UnknownFormat),
        (as_file(small(), "PNG")[:2000], Broken),
        (as_file(small(), "JPEG")[:2000], Broken),
        (as_file(Image.new("1", (8000, 8000)), "PNG"), TooLarge),
    ],
)
def test_what_is_no_whole_picture_is_refused(data: bytes, error: type[FileError]) -> None:
    with pytest.raises(error):
        shown(data)
