"""Uploads: bodies in pieces of any size, slow ones, broken ones."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from fastapi import Request

from stream.files import uploads as module
from stream.files.errors import BadBody, FileError, TooLarge, TooSlow, UnknownFormat
from stream.files.uploads import Intake, drain, received

FORM = "multipart/form-data; boundary=frontier"
BODY = (
    b"--frontier\r\n"
    b'Content-Disposition: form-data; name="note"\r\n\r\nno file\r\n'
    b"--frontier\r\n"
    b'content-disposition: form-data; name="files"; filename="../../x"\r\n'
    b"Content-Type: image/png\r\n\r\n"
    b"first\r\n--frontie\r\n"
    b"--frontier\r\n"
    b'Content-Disposition: form-data; name="files"; filename=""\r\n\r\nsecond\r\n'
    b"--frontier--\r\n"
)


def request(pieces: Sequence[bytes | None], content_type: str | None = FORM) -> Request:
    """A request whose body comes in `pieces`; None is a client that says nothing more for ever."""
    told = [
        {"type": "http.request", "body": piece, "more_body": index + 1 < len(pieces)}
        if piece is not None
        else None
        for index, piece in enumerate(pieces)
    ]

    async def receive() -> Any:
        if not told:
            return {"type": "http.disconnect"}
        if (message := told.pop(0)) is None:
            await asyncio.Event().wait()
        return message

    headers = [] if content_type is None else [(b"content-type", content_type.encode())]
    scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": headers}
    return Request(scope, receive)


async def files(
    folder: Path, pieces: Sequence[bytes | None], content_type: str | None = FORM, **limits: int
) -> list[bytes]:
    """What the files of the body hold."""
    intake = Intake("image/", limits.get("files", 4), limits.get("most", 100), folder)
    contents = []
    for file in await received(request(pieces, content_type), intake):
        with file:
            file.seek(0)
            contents.append(file.read())
    return contents


@pytest.mark.parametrize("size", [1, 2, 7, 64, len(BODY)])
async def test_a_form_is_read_in_pieces_of_any_size(tmp_path: Path, size: int) -> None:
    pieces = [BODY[start : start + size] for start in range(0, len(BODY), size)]
    assert await files(tmp_path, pieces) == [b"first\r\n--frontie", b"second"]


@pytest.mark.parametrize("kind", ["image/png", "IMAGE/x; q=1", "application/octet-stream", None])
async def test_a_raw_body_is_one_file(tmp_path: Path, kind: str | None) -> None:
    assert await files(tmp_path, [b"ab", b"", b"c"], kind) == [b"abc"]


@pytest.mark.parametrize(
    ("pieces", "content_type", "error"),
    [
        ([BODY[:-20]], FORM, BadBody),
        ([b"--other\r\n"], FORM, BadBody),
        ([b""], FORM, BadBody),
        ([BODY], "multipart/form-data", BadBody),
        ([BODY], "multipart/mixed; boundary=frontier", UnknownFormat),
        ([b"abc"], "video/mp4", UnknownFormat),
        ([b""], "image/png", BadBody),
        ([bytes(101)], "image/png", TooLarge),
        ([bytes(50)] * 3, "image/png", TooLarge),
        ([b"abc"], "image/png; =\xff", None),
    ],
)
async def test_a_body_that_is_not_as_documented_is_refused(
    tmp_path: Path, pieces: list[bytes], content_type: str, error: type[FileError] | None
) -> None:
    if error is None:
        assert await files(tmp_path, pieces, content_type) == pieces
        return
    with pytest.raises(error):
        await files(tmp_path, pieces, content_type)


async def test_more_files_than_may_be_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TooLarge, match="at most 1 files"):
        await files(tmp_path, [BODY], files=1)


async def test_a_client_that_trickles_or_goes_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CHUNK_S", 0.01)
    with pytest.raises(TooSlow):
        await files(tmp_path, [b"a", None], "image/png")
    gone = request([b"a", b"b"], "image/png")
    await gone.receive()
    await gone.receive()
    with pytest.raises(BadBody):
        await received(gone, Intake("image/", 1, 10, tmp_path))
    monkeypatch.setattr(module, "WHOLE_S", 0.0)
    with pytest.raises(TooSlow):
        await files(tmp_path, [b"a"] * 5, "image/png")


async def test_what_is_refused_is_read_on_for_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "DRAINED_S", 0.01)
    monkeypatch.setattr(module, "DRAINED_BYTES", 10)
    await drain(request([b"a", None]))
    await drain(request([bytes(20), None]))
    await drain(request([b"a", b"b"]))
