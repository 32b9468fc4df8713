"""What a decoding process may be asked to do."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, BinaryIO, Final

from stream.files.clips import decode_clip
from stream.files.pictures import decode_picture

Decode = Callable[[socket.socket, BinaryIO, dict[str, Any]], dict[str, Any]]
"""Takes the socket to send pictures to, the file, and the request with its limits; gives what is to
be said at the end."""

DECODERS: Final[Mapping[str, Decode]] = MappingProxyType(
    {"picture": decode_picture, "clip": decode_clip}
)
"""The request's `kind` -> its decoder."""
