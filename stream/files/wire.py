"""Wire: what a decoding process and the service say to each other over a socket.

A message is 8 bytes (the lengths of what follows, big endian), a JSON object, and pixels, if any.
"""

from __future__ import annotations

import json
import socket
import struct
from typing import Any, Final

LENGTHS: Final = struct.Struct(">II")
MOST_JSON: Final = 65536
MOST_PIXELS: Final = 64 << 20
"""A decoding process may be in the hands of the file's author: what it says is bounded too."""


class Closed(Exception):
    """The other side has gone, or says what is no message."""


def send(place: socket.socket, body: dict[str, Any], pixels: memoryview | None = None) -> None:
    """Send one message. Blocks while the other side does not read.

    Raises: OSError when it has gone.
    """
    text = json.dumps(body).encode()
    size = 0 if pixels is None else pixels.nbytes
    place.sendall(LENGTHS.pack(len(text), size) + text)
    if pixels is not None:
        place.sendall(pixels)


def receive(place: socket.socket) -> tuple[dict[str, Any], bytearray]:
    """Wait for one message.

    Raises: Closed; TimeoutError when the socket has a timeout and nothing comes for so long.
    """
    lengths = LENGTHS.unpack(_exactly(place, LENGTHS.size))
    if lengths[0] > MOST_JSON or lengths[1] > MOST_PIXELS:
        raise Closed("the decoding process says more than it may")
    text, pixels = _exactly(place, lengths[0]), _exactly(place, lengths[1])
    try:
        body = json.loads(text)
    except ValueError:
        raise Closed("the decoding process talks nonsense") from None
    if not isinstance(body, dict):
        raise Closed("the decoding process talks nonsense")
    return body, pixels


def _exactly(place: socket.socket, size: int) -> bytearray:
    data = bytearray(size)
    view = memoryview(data)
    while view:
        try:
            count = place.recv_into(view)
        except ConnectionError as exc:
            raise Closed("the decoding process has gone") from exc
        if not count:
            raise Closed("the decoding process has gone")
        view = view[count:]
    return data
