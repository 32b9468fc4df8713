"""Uploads: the files in a request's body, raw or multipart, received as they come."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect

from stream.files.errors import BadBody, TooLarge, TooSlow, UnknownFormat
from stream.files.spool import Spool

CHUNK_S: Final = 20.0
WHOLE_S: Final = 600.0
"""A client that trickles holds a place that others wait for."""
OVERHEAD: Final = 65536
"""Of a multipart body, beside its files: boundaries, headers, fields."""
RAW: Final = "application/octet-stream"
DRAINED_BYTES: Final = 16 << 20
DRAINED_S: Final = 3.0


@dataclass(frozen=True, slots=True)
class Intake:
    """What a body may hold: up to `files` files of `most` bytes each, of the media types that start
    with `kind`, spooled in `folder`.
    """

    kind: str
    files: int
    most: int
    folder: Path | None

    @property
    def whole(self) -> int:
        """What the body may be long."""
        return self.files * self.most + OVERHEAD


async def received(request: Request, intake: Intake) -> list[BinaryIO]:
    """The files of the body, at least one, in order, each the caller's to close.

    What a client calls a file is never looked at.

    Raises: FileError; Full when the disk is full.
    """
    media_type, options = parse_options_header(request.headers.get("content-type", RAW))
    kind = media_type.decode("latin-1").lower()
    _check_length(request, intake)
    with ExitStack() as opened:
        if kind == "multipart/form-data":
            boundary = options.get(b"boundary")
            if not boundary:
                raise BadBody("a multipart body needs a boundary in its Content-Type")
            spools = await _multipart(request, intake, boundary, opened)
        elif kind == RAW or kind.startswith(intake.kind):
            spools = [opened.enter_context(Spool(intake.folder, intake.most))]
            async for data in _chunks(request):
                await spools[0].write(data)
        else:
            raise UnknownFormat(
                f"{kind!r} is not taken: send {intake.kind}*, {RAW} or multipart/form-data"
            )
        if not spools:
            raise BadBody("there is no file in the body: a part needs a filename to be one")
        if not all(spool.size for spool in spools):
            raise BadBody("the file is empty: nothing of it has arrived")
        for spool in spools:
            await spool.flush()
        return [spool.take() for spool in spools]


async def drain(request: Request) -> None:
    """Read on for a moment and throw it away: a client that is still sending would see its
    connection break instead of the answer.
    """
    size = 0
    with suppress(TimeoutError, ClientDisconnect, RuntimeError):  # RuntimeError: read already
        async with asyncio.timeout(DRAINED_S):
            async for data in request.stream():
                size += len(data)
                if size > DRAINED_BYTES:
                    return


def _check_length(request: Request, intake: Intake) -> None:
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > intake.whole:
        raise TooLarge(f"the body has {length} bytes: at most {intake.whole} are taken")


async def _chunks(request: Request) -> AsyncIterator[bytes]:
    stream = aiter(request.stream())
    deadline_s = time.monotonic() + WHOLE_S
    while (left_s := deadline_s - time.monotonic()) > 0:
        try:
            # No pause lies within: a reader that gives up must not leave a timeout behind.
            async with asyncio.timeout(min(CHUNK_S, left_s)):
                data = await anext(stream)
        except StopAsyncIteration:
            return
        except TimeoutError:
            break
        except ClientDisconnect:
            raise BadBody("the client went before the file was here") from None
        yield data
    raise TooSlow("the file did not arrive in time: send it again")


async def _multipart(
    request: Request, intake: Intake, boundary: bytes, opened: ExitStack
) -> list[Spool]:
    parts = _Parts()
    spools: list[Spool] = []
    size = 0
    try:
        parser = MultipartParser(boundary, parts.callbacks())  # type: ignore[arg-type]
        async for data in _chunks(request):
            size += len(data)
            if size > intake.whole:
                raise TooLarge(f"the body is larger than {intake.whole} bytes: send less")
            parser.write(data)
            for is_new, piece in parts.taken():
                if is_new:
                    if len(spools) == intake.files:
                        raise TooLarge(f"at most {intake.files} files are taken in one request")
                    spools.append(opened.enter_context(Spool(intake.folder, intake.most)))
                else:
                    await spools[-1].write(piece)
        parser.finalize()
    except FormParserError as exc:
        raise BadBody(f"the multipart body is broken: {exc}") from None
    if not parts.ended:
        raise BadBody("the multipart body ends too early")
    return spools


class _Parts:
    """What the parser says, until it is taken: for each file (True, b""), then its pieces."""

    def __init__(self) -> None:
        self._pieces: list[tuple[bool, bytes]] = []  # of one chunk of the body
        self._name = bytearray()
        self._value = bytearray()
        self._is_file = False
        self.ended = False

    def callbacks(self) -> dict[str, object]:
        """For the parser, by its names."""
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._header_field,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_headers_finished": self._headers_finished,
            "on_part_data": self._data,
            "on_end": self._end,
        }

    def taken(self) -> Sequence[tuple[bool, bytes]]:
        """What was said since the last time."""
        pieces, self._pieces = self._pieces, []
        return pieces

    def _begin(self) -> None:
        self._is_file = False

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        if bytes(self._name).lower() == b"content-disposition":
            self._is_file = b"filename" in parse_options_header(bytes(self._value))[1]
        self._name, self._value = bytearray(), bytearray()

    def _headers_finished(self) -> None:
        if self._is_file:
            self._pieces.append((True, b""))

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._is_file:
            self._pieces.append((False, data[start:end]))

    def _end(self) -> None:
        self.ended = True
