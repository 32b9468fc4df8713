"""Conversion: a picture's RGB pixels, made when somebody first asks for them."""

from __future__ import annotations

import threading
from collections.abc import Callable

from stream.types import Pixels


class Conversion:
    """Calls `convert` for the first who asks, in that one's thread, and keeps what it gave.

    Most pictures are looked at by nobody, some by several at once: networks, preview, viewers.
    """

    def __init__(self, convert: Callable[[], Pixels]) -> None:
        self._convert: Callable[[], Pixels] | None = convert
        self._pixels: Pixels | None = None
        self._lock = threading.Lock()

    def __call__(self) -> Pixels:
        """The pixels, uint8 (H, W, 3), the same array for all; nobody may write to it."""
        with self._lock:
            if self._pixels is None:
                assert self._convert is not None
                self._pixels = self._convert()
                self._convert = None  # and with it the decoder's own picture
            return self._pixels
