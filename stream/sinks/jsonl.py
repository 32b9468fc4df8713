"""JSON lines in a file or on standard output."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from stream.errors import SinkError
from stream.messages import OverlayMessage


class JsonlSink:
    """One message a line, flushed at once, and the summary as the last line; ``-`` is standard
    output. Written in a thread of its own: a full pipe must not stop the event loop.
    """

    def __init__(self, target: str) -> None:
        self._name = "standard output" if target == "-" else target
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="jsonl")
        try:
            self._file = sys.stdout if target == "-" else open(target, "w", encoding="utf-8")  # noqa: PTH123, SIM115  closed by `close`
        except OSError as exc:
            raise SinkError(self._name, f"cannot be written: {exc.strerror}") from exc

    async def consume(self, messages: AsyncIterator[OverlayMessage]) -> None:
        """Write each message of one stream."""
        async for message in messages:
            await self._write(message.to_json())

    async def close(self, summary: Mapping[str, Any]) -> None:
        """Write the summary; standard output stays open."""
        try:
            await self._write(json.dumps({"summary": summary}))
        finally:
            self._thread.shutdown(wait=False)
            if self._file is not sys.stdout:
                self._file.close()

    async def _write(self, line: str) -> None:
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._put, line)
        except (OSError, ValueError) as exc:
            raise SinkError(self._name, f"cannot be written: {exc}") from exc

    def _put(self, line: str) -> None:
        self._file.write(line + "\n")
        self._file.flush()
