"""RtxHeader: what the first 64 bytes of a TensorRT-for-RTX engine say of it, with no GPU.

NVIDIA documents ``getEngineValidity``, which compares these bytes with the GPU at hand and says
nothing where there is none. The layout was read off engines of release 1.7.1, which the extra
pins; a file of another layout is foreign, and a foreign engine is built anew, never run.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

CAPABILITIES: Final = ("7.5", "8.0", "8.6", "8.9", "12.0", "12.1")
"""Compute capabilities that release 1.7.1 builds for, in the order of the header's bits."""
PORTABLE: Final = ("8.6", "8.9", "12.0")
"""One engine for the GeForce and RTX boards from Ampere to Blackwell."""

SIZE: Final = 64
MAGIC: Final = b"vtrt"
LAYOUT: Final = struct.Struct("<4s12xQ4s4sI28x")
"""Magic, bytes of the whole file, release as four bytes, magic again, targets as bits."""
BETWEEN_SHAPES: Final = 24
"""Bytes that lie between two shapes of a profile."""

Shape = Sequence[int]


@dataclass(frozen=True, slots=True)
class RtxHeader:
    """The release that built an engine (``1.7.1.116``) and the capabilities it was built for."""

    release: str
    capabilities: tuple[str, ...]


def read_header(engine: bytes) -> RtxHeader:
    """Read the header of a whole engine file.

    Raises: ValueError that says what is wrong with it: no engine, cut short, other layout.
    """
    if len(engine) < SIZE:
        raise ValueError("it is too short for an engine")
    magic, size, release, again, bits = LAYOUT.unpack_from(engine)
    if (magic, again) != (MAGIC, MAGIC):
        raise ValueError("it is no engine of TensorRT for RTX")
    if size != len(engine):
        raise ValueError(f"it has {len(engine)} bytes, its header says {size}")
    found = (name for bit, name in enumerate(CAPABILITIES) if bits >> bit & 1)
    return RtxHeader(".".join(map(str, release)), tuple(found))


def holds_profile(engine: bytes, shapes: Iterable[Shape]) -> bool:
    """Whether an optimisation profile of these shapes (least, best, most) lies in the engine.

    On a GPU the opened engine is asked instead.
    """
    gap = b".{%d}" % BETWEEN_SHAPES
    packed = (re.escape(struct.pack(f"<{len(shape)}q", *shape)) for shape in shapes)
    return re.search(gap.join(packed), engine, re.DOTALL) is not None
