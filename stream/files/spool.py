"""Spool: a file that is being received, on disk but without a name."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, cast

from stream.files.errors import TooLarge
from stream.refusals import Full

BUFFER: Final = 1 << 20
"""Written at once, off the event loop: a disk may take its time."""
RETRY_AFTER_S: Final = 30


class Spool:
    """Takes bytes up to `most`; a context manager that closes the file unless it was taken.

    The file never has a name, where the system can do that, or loses it at once: whatever ends the
    program, even SIGKILL, gives the disk back.
    """

    def __init__(self, folder: Path | None, most: int) -> None:
        # A plain file, not a spooled one: decoding processes are handed its descriptor.
        self._file: BinaryIO | None = _nameless(folder)
        self._most = most
        self._buffer = bytearray()
        self.size = 0

    def __enter__(self) -> Spool:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._file:
            self._file.close()

    async def write(self, data: bytes) -> None:
        """Add `data`.

        Raises: TooLarge beyond the limit, before anything more is kept; Full when the disk is full.
        """
        self.size += len(data)
        if self.size > self._most:
            raise TooLarge(f"the file is larger than {self._most} bytes: send a smaller one")
        self._buffer += data
        if len(self._buffer) >= BUFFER:
            await self.flush()

    def take(self) -> BinaryIO:
        """The file as far as it is flushed; the caller's from now on."""
        assert self._file
        file, self._file = self._file, None
        return file

    async def flush(self) -> None:
        """Write what is left.

        Raises: Full when the disk is full.
        """
        data, self._buffer = self._buffer, bytearray()
        try:
            await asyncio.to_thread(self._write, data)
        except OSError as exc:
            raise Full("there is no room on the disk for the file", RETRY_AFTER_S) from exc

    def _write(self, data: bytearray) -> None:
        assert self._file
        view = memoryview(data)
        while view:
            view = view[self._file.write(view) :]


def _nameless(folder: Path | None) -> BinaryIO:
    file = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115  closed by who has it
    return cast(BinaryIO, file)
