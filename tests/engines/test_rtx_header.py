"""The header of an engine of TensorRT for RTX: read back, or refused."""

from __future__ import annotations

import struct

import pytest

from engines.rtx_header import CAPABILITIES, LAYOUT, MAGIC, SIZE, RtxHeader, holds_profile
from engines.rtx_header import read_header as read


def engine(release: bytes = b"\x01\x07\x01\x74", bits: int = 0b11100, body: bytes = b"") -> bytes:
    return LAYOUT.pack(MAGIC, SIZE + len(body), release, MAGIC, bits) + body


def test_release_and_capabilities_are_read() -> None:
    assert read(engine()) == RtxHeader("1.7.1.116", ("8.6", "8.9", "12.0"))
    assert read(engine(bits=(1 << len(CAPABILITIES)) - 1)).capabilities == CAPABILITIES
    assert read(engine(release=bytes([1, 6, 0, 3]), body=b"body")).release == "1.6.0.3"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "too short"),
        (engine()[: SIZE - 1], "too short"),
        (b"\x08\x09onnx" * 40, "no engine of TensorRT for RTX"),
        (engine(body=b"body")[:-1], "has 67 bytes, its header says 68"),
        (engine() + b"more", "has 68 bytes, its header says 64"),
    ],
    ids=["empty", "no header", "another file", "cut short", "grown"],
)
def test_what_is_no_whole_engine_is_refused(content: bytes, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        read(content)


def test_a_profile_is_found_by_its_three_shapes_in_a_row() -> None:
    shapes = [(1, 3, 24, 24), (8, 3, 24, 24), (32, 3, 24, 24)]
    body = b"\n".join(struct.pack("<4q", *shape) + b"\x00" * 23 for shape in shapes)
    assert holds_profile(engine(body=body), shapes)
    assert not holds_profile(engine(body=body), shapes[::-1])
    assert not holds_profile(engine(body=body), [*shapes[:2], (64, 3, 24, 24)])
