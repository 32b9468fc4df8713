"""Nursery: how a decoding process says what went wrong; `test_sandbox` tries its limits."""

from __future__ import annotations

import io
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from stream.files import nursery, wire
from stream.files.errors import TooLarge, UnknownFormat


@pytest.mark.parametrize(
    ("raised", "status", "said"),
    [
        (UnknownFormat("no clip that is read here"), 415, "no clip"),
        (TooLarge("it plays for too long"), 413, "too long"),
        (MemoryError(), 413, "memory"),
        (ZeroDivisionError(), 422, "ZeroDivisionError"),
    ],
)
def test_whatever_a_decoder_raises_becomes_a_clear_refusal(
    monkeypatch: pytest.MonkeyPatch, raised: Exception, status: int, said: str
) -> None:
    def decode(*_: object) -> dict[str, Any]:
        raise raised

    monkeypatch.setattr(nursery, "DECODERS", {"clip": decode})
    with socket.socket() as channel:
        failed = nursery._outcome(channel, io.BytesIO(), {"kind": "clip"})["failed"]
    assert failed["status"] == status
    assert said in failed["problem"]


def test_a_service_that_has_gone_is_told_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def decode(*_: object) -> dict[str, Any]:
        raise BrokenPipeError

    monkeypatch.setattr(nursery, "DECODERS", {"clip": decode})
    with socket.socket() as channel, pytest.raises(BrokenPipeError):
        nursery._outcome(channel, io.BytesIO(), {"kind": "clip"})


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def test_what_comes_first_is_no_message_and_does_not_disturb_the_next(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    nursery._introduce(ends[0])
    wire.send(ends[0], {"end": {}})
    assert socket.recv_fds(ends[1], 1, 0)[0] == b"."
    assert wire.receive(ends[1])[0] == {"end": {}}
