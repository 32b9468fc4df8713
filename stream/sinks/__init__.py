"""Places that results go to besides the browser, opened by name."""

from __future__ import annotations

from importlib import import_module
from typing import Final

from stream.sinks.base import Sink

SINKS: Final = {"jsonl": "stream.sinks.jsonl:JsonlSink"}
"""Name -> ``module:Class``; the class takes the target as its only argument."""


def open_sink(name: str, target: str) -> Sink:
    """Open the sink `name` on `target`.

    Raises: SinkError when the target cannot be written; KeyError for an unknown name.
    """
    module, _, cls = SINKS[name].partition(":")
    sink: Sink = getattr(import_module(module), cls)(target)
    return sink
