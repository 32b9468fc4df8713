"""Untrusted pictures, decoded in a process of their own."""

from __future__ import annotations

import math
import socket
from typing import Any, BinaryIO, Final

import numpy as np
from PIL import Image, UnidentifiedImageError

from stream.files import wire
from stream.files.errors import Broken, TooLarge, UnknownFormat

Image.init()  # once a file is open no plugin can be loaded any more
FORMATS: Final = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
READ: Final = "JPEG, PNG, WebP, GIF, BMP or TIFF"
LOOK_PIXELS: Final = 1920 * 1080
"""What is larger is made smaller before faces are looked for: the inference thread is shared with
live streams, and a search of 24 million pixels would hold them up for half a second."""

LOOK_SIDE: Final = 4096
ORIENTATION: Final = 0x0112
TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""EXIF's orientation -> what puts the picture upright; from 5 on, the sides change places."""

_UNKNOWN: Final = f"no picture that is read here, or its beginning is damaged: send {READ}"
_DAMAGE: Final = (OSError, ValueError, SyntaxError, EOFError, OverflowError, KeyError, TypeError)
"""What Pillow's plugins raise for damaged files."""


def decode_picture(
    channel: socket.socket, media: BinaryIO, request: dict[str, Any]
) -> dict[str, Any]:
    """Send the first picture of the file as RGB, upright, at most `LOOK_PIXELS` large.

    Raises: FileError; MemoryError.
    """
    with _opened(media) as image:
        _check_size(image, request["pixels"])
        try:
            size, animated = image.size, _is_animated(image)
            turn = TURNS.get(image.getexif().get(ORIENTATION, 1))
            looked_at = _small_rgb(image)
        except _DAMAGE as exc:
            raise Broken(f"the picture is damaged ({exc}): save or copy it again") from exc
    if turn is not None:
        looked_at = looked_at.transpose(turn)
        size = size[::-1] if turn in tuple(TURNS.values())[3:] else size
    pixels = np.ascontiguousarray(looked_at, np.uint8)
    begin = {"format": image.format, "animated": animated, "size_px": size}
    wire.send(channel, {"begin": begin})
    wire.send(channel, {"picture": {"media_time_s": 0.0, "shape": pixels.shape}}, pixels.data)
    return {"played_s": 0.0, "frames": 1, "cut_short": False}


def look_size(width: int, height: int) -> tuple[int, int]:
    """The size at which faces are looked for in a picture of this size."""
    share = min(1.0, math.sqrt(LOOK_PIXELS / (width * height)), LOOK_SIDE / max(width, height))
    return max(1, round(width * share)), max(1, round(height * share))


def _opened(media: BinaryIO) -> Image.Image:
    Image.MAX_IMAGE_PIXELS = None  # the limit is ours, and an error is a clearer one than a warning
    try:
        return Image.open(media, formats=FORMATS)
    except UnidentifiedImageError:
        raise UnknownFormat(_UNKNOWN) from None
    except _DAMAGE as exc:
        raise Broken(f"the picture's header is damaged ({exc}): save or copy it again") from exc


def _check_size(image: Image.Image, most: int) -> None:
    width, height = image.size
    if width * height > most:
        raise TooLarge(f"the picture is {width}×{height}: at most {most} pixels are read")
    if width * height == 0:
        raise Broken("the picture has no pixels")


def _is_animated(image: Image.Image) -> bool:
    # Telephones put a second view into their JPEGs: MPO is no animation.
    return image.format != "MPO" and bool(getattr(image, "is_animated", False))


def _small_rgb(image: Image.Image) -> Image.Image:
    size = look_size(*image.size)
    image.draft(None, size)  # JPEG alone can be decoded at a fraction of its size
    if image.mode.startswith(("I", "F")):
        image = _eight_bits(image)
    if image.size == size:
        return image.convert("RGB")
    if image.mode not in {"L", "RGB", "CMYK"}:
        image = image.convert("RGB")
    # Averaged over area, as crops are: no detail aliases.
    return image.resize(size, Image.Resampling.BOX).convert("RGB")


def _eight_bits(image: Image.Image) -> Image.Image:
    """Grey values of more than 8 bits; Pillow itself would cut them off at 255."""
    if image.mode.startswith("F"):
        raise Broken("pictures of floating-point numbers are not read: save it with 8 or 16 bits")
    grey = np.asarray(image)
    shift = 0 if image.mode == "I" and int(grey.max(initial=0)) < 256 else 8
    return Image.fromarray((grey >> shift).clip(0, 255).astype(np.uint8))
