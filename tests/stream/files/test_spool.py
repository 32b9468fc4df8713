"""Spool: what is received, without a name."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from stream.files import spool as module
from stream.files.errors import TooLarge
from stream.files.spool import Spool
from stream.refusals import Full


async def test_what_is_written_is_read_back_and_never_has_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BUFFER", 4)
    with Spool(tmp_path, 100) as spool:
        for piece in (b"abc", b"defg", b"h"):
            await spool.write(piece)
            assert not os.listdir(tmp_path)  # noqa: PTH208  a blocking call either way
        await spool.flush()
        file = spool.take()
    with file:
        file.seek(0)
        assert file.read() == b"abcdefgh"


async def test_beyond_the_limit_nothing_more_is_kept(tmp_path: Path) -> None:
    with Spool(tmp_path, 4) as spool:
        await spool.write(b"abcd")
        with pytest.raises(TooLarge, match="4 bytes"):
            await spool.write(b"e")


async def test_a_full_disk_asks_to_come_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Spool, "_write", full)
    with Spool(tmp_path, 4) as spool:
        await spool.write(b"abcd")
        with pytest.raises(Full, match="disk"):
            await spool.flush()


async def test_a_spool_that_nobody_took_is_closed(tmp_path: Path) -> None:
    with Spool(tmp_path, 4) as spool:
        await spool.flush()
        file = spool._file
    assert file is not None
    assert file.closed
