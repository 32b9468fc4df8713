"""A decoder run here, without a process of its own, and what it says."""

from __future__ import annotations

import io
import socket
import threading
from typing import Any

import numpy as np

from stream.files import wire
from stream.files.decoding import Decode
from stream.types import Pixels


def decoded(
    decode: Decode, data: bytes, **request: Any
) -> tuple[dict[str, Any], list[tuple[dict[str, Any], Pixels]], dict[str, Any]]:
    """What it says at first, its pictures, and what it gives at the end."""
    ours, theirs = socket.socketpair()
    begun: dict[str, Any] = {}
    pictures: list[tuple[dict[str, Any], Pixels]] = []

    def read() -> None:
        try:
            while True:
                body, pixels = wire.receive(ours)
                begun.update(body.get("begin", {}))
                if said := body.get("picture"):
                    pictures.append((said, np.frombuffer(pixels, np.uint8).reshape(said["shape"])))
        except wire.Closed:
            pass

    reading = threading.Thread(target=read)
    with ours:
        reading.start()
        try:
            with theirs:
                end = decode(theirs, io.BytesIO(data), request)
        finally:
            reading.join()
    return begun, pictures, end
