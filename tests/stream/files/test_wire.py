"""Wire: messages between a decoding process and the service, and what is no message."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import numpy as np
import pytest

from stream.files import wire


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def test_what_is_sent_is_received_with_its_pixels(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    pixels = np.arange(3_000_000, dtype=np.uint8)
    sending = threading.Thread(target=wire.send, args=(ends[0], {"a": [1, None]}, pixels.data))
    sending.start()
    body, data = wire.receive(ends[1])
    sending.join()
    assert body == {"a": [1, None]}
    assert np.array_equal(np.frombuffer(data, np.uint8), pixels)


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(wire.LENGTHS.pack(4, 0) + b"{}", id="less than it says"),
        pytest.param(wire.LENGTHS.pack(2, 0) + b"[]", id="no object"),
        pytest.param(wire.LENGTHS.pack(2, 0) + b"\xff\xff", id="no text"),
        pytest.param(wire.LENGTHS.pack(wire.MOST_JSON + 1, 0), id="too long"),
        pytest.param(wire.LENGTHS.pack(2, wire.MOST_PIXELS + 1), id="too many pixels"),
    ],
)
def test_what_is_no_message_ends_the_talk_before_memory_is_taken(
    ends: tuple[socket.socket, socket.socket], said: bytes
) -> None:
    ends[0].sendall(said)
    ends[0].shutdown(socket.SHUT_WR)
    with pytest.raises(wire.Closed):
        wire.receive(ends[1])
