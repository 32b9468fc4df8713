"""Quantiser: how coarsely a picture was coded, as its bitstream says.

What a modern codec took away does not show in the picture: blocks are smoothed over, and a soft
face may as well be a soft lens. The quantiser tells. It is given on H.264's scale for every codec,
0 to 51, where the step of the coefficients doubles every 6: about 23 is good, 30 shows, 40 is mush.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Final, cast

import av
import numpy as np
from av.sidedata.encparams import VideoEncParams, VideoEncParamsType
from av.sidedata.sidedata import SideDataContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

EXPORT: Final = {"export_side_data": "venc_params"}
"""The option by which FFmpeg's H.264 decoder hands the quantisers out."""

_DELTA: Final = slice(16, 20)
"""Where a block of FFmpeg's AVVideoEncParams has its difference, after x, y, width and height."""

_VP8_HEADER: Final = 128
"""More bytes than a VP8 frame's header has up to the index."""

_VP8_STEPS: Final = (
    *range(4, 59), *range(60, 118, 2), *range(119, 156, 3), 158, *range(161, 174, 3),
    *range(177, 230, 4), 234, 239, 245, *range(249, 285, 5),
)  # fmt: skip
"""Step of the AC coefficients by index (RFC 6386, section 14.1), of a transform that is twice as
large as the orthonormal one."""


def quantiser_of(
    codec: str, frame: VideoFrame, packet: av.Packet[VideoStream] | None
) -> float | None:
    """Give a picture's quantiser; `packet` is the one that it came out with.

    None for codecs (FFmpeg's names) that do not tell, and for H.264 without `EXPORT`.
    """
    return quantiser_reader(codec, frame, packet)()


def quantiser_reader(
    codec: str, frame: VideoFrame, packet: av.Packet[VideoStream] | None
) -> Callable[[], float | None]:
    """A function that gives `quantiser_of` the picture, at 0.2 ms only when it is called."""
    if codec == "h264":
        return partial(h264_quantiser, frame)
    if codec == "vp8" and packet is not None:
        # VP8 gives each picture out at once, so it is this packet's; a flush gives none.
        return partial(vp8_quantiser, bytes(memoryview(packet)[:_VP8_HEADER]))
    return lambda: None


def h264_quantiser(frame: VideoFrame) -> float | None:
    """The mean over the picture's macroblocks; None where the decoder did not export it."""
    # Not `frame.side_data`: the frame would keep what keeps it, until a garbage collection.
    for data in SideDataContainer(frame):  # type: ignore[call-arg]  # its stub lacks the frame
        if isinstance(data, VideoEncParams) and data.codec_type == VideoEncParamsType.H264:
            shape = (data.nb_blocks, data.block_size)
            raw = cast(bytes, data)  # it has the buffer protocol, which its stub does not say
            blocks = np.frombuffer(raw, np.uint8, math.prod(shape), data.blocks_offset)
            return float(data.qp + blocks.reshape(shape)[:, _DELTA].copy().view(np.int32).mean())
    return None


def vp8_quantiser(data: bytes) -> float | None:
    """The base quantiser in a VP8 frame's header (RFC 6386, section 9); None for a broken one."""
    try:
        index = _vp8_index(data)
    except IndexError:
        return None
    return 4 + 6 * math.log2(_VP8_STEPS[index] / 2)


def _vp8_index(data: bytes) -> int:
    """Section 19.2, up to the index.

    Raises: IndexError where the data ends before it.
    """
    key_frame = not data[0] & 1
    bits = _Bits(data[10:] if key_frame else data[3:])
    if key_frame:
        bits.read(2)  # colour space, clamping
    if bits.read(1):
        _skip_segments(bits)
    bits.read(1 + 6 + 3)  # loop filter: kind, level, sharpness
    if bits.read(1) and bits.read(1):
        for _ in range(8):
            if bits.read(1):
                bits.read(6 + 1)
    bits.read(2)  # number of partitions
    return bits.read(7)


def _skip_segments(bits: _Bits) -> None:
    new_map, new_values = bits.read(1), bits.read(1)
    if new_values:
        bits.read(1)  # whether they are differences
        for width in (7, 7, 7, 7, 6, 6, 6, 6):
            if bits.read(1):
                bits.read(width + 1)
    if new_map:
        for _ in range(3):
            if bits.read(1):
                bits.read(8)


class _Bits:
    """Section 7.3's boolean decoder, where both values are equally likely."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._value = data[0] << 8 | data[1]
        self._next = 2
        self._range = 255
        self._shifted = 0

    def read(self, count: int) -> int:
        """An unsigned number of `count` bits."""
        number = 0
        for _ in range(count):
            number = number << 1 | self._bit()
        return number

    def _bit(self) -> int:
        split = 1 + ((self._range - 1) * 128 >> 8)
        bit = self._value >= split << 8
        if bit:
            self._range -= split
            self._value -= split << 8
        else:
            self._range = split
        while self._range < 128:
            self._value <<= 1
            self._range <<= 1
            self._shifted += 1
            if self._shifted == 8:
                self._shifted = 0
                self._value |= self._data[self._next]
                self._next += 1
        return int(bit)
