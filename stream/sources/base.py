"""The Source protocol: a place that pictures come from."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from stream.clock import Clock
from stream.types import Capture

Emit = Callable[[Capture], bool]
"""Takes a picture at once or, for a file read without pacing, when the analyzer is ready for it.
False says that nobody wants more: the source should return."""


@dataclass(frozen=True, slots=True)
class SourceOptions:
    """What a source may need to know.

    `paced` is False for files read as fast as the analyzer takes them. `open_timeout_s` bounds
    opening, `read_timeout_s` the wait for the next packet of a live source. `admits` raises
    ConfigError for an address that may not be reached: it is asked before each attempt, in the
    source's thread, and what answers there can lead to no other address.
    """

    clock: Clock
    paced: bool = True
    open_timeout_s: float = 10.0
    read_timeout_s: float = 2.5
    rtsp_transport: Literal["tcp", "udp"] = "tcp"
    admits: Callable[[str], None] | None = None


class Source(Protocol):
    """One place that pictures come from; made anew for each attempt.

    `run` blocks its own thread: it opens, decodes, calls `emit` for every picture, and returns
    when a file ends or `stop` is set (within the read timeout). It never retries.

    Raises: SourceError, whose `retryable` tells the supervisor whether to try again. A live source
    that ends raises it too: cameras do not end.
    """

    @property
    def live(self) -> bool:
        """True for cameras, whose end is a fault; False for files, whose end is natural."""

    @property
    def decoder(self) -> str:
        """What decodes, for the health line: ``h264 (software)``; empty before it is open."""

    def run(self, emit: Emit, stop: threading.Event) -> None:
        """Emit pictures until the end, a fault, or `stop`."""
