"""A camera that is killed, frozen or cut off heals, and the streams beside it notice nothing.

The deadlines are the issue's, at three times their value: a loss is noticed within 0.1 s when the
camera closes and 3 s when it freezes, and it is scored again within 2 s of its return.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from itertools import pairwise
from typing import Self

import httpx
import psutil
import pytest

from benchmarks.rtsp.rig import RtspServer, missing
from stream.sources.demo import CLIP
from tests.program import Program

pytestmark = [
    pytest.mark.rtsp,
    pytest.mark.skipif(missing() is not None, reason=missing() or ""),
]

OUTAGE_S = 10.0
RECONNECTS = 50
SETTLED = 20


@pytest.fixture
def camera() -> Iterator[RtspServer]:
    with RtspServer(file=CLIP) as server:
        yield server


class Watched:
    """The program over a camera and, beside it, the demo."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._list = program.address() + "v1/streams"

    def await_scores(self, within_s: float) -> float:
        begin_s = time.monotonic()
        return self.program.wait_for(lambda: self.program.scored_since("camera", begin_s), within_s)

    def await_state(self, states: set[str], within_s: float) -> float:
        begin_s = time.monotonic()
        while self._state() not in states:
            assert time.monotonic() - begin_s < within_s, f"never {states}"
        return time.monotonic() - begin_s

    def let_pass(self, media_s: float) -> None:
        """Wait for so much of the demo's time, by which the camera's outage is measured."""
        # A loop of the demo starts its media time anew, so time is counted by arrival.
        until_s = time.monotonic() + media_s
        self.program.wait_for(
            lambda: self.program.heard["demo"][-1].at_s > until_s, within_s=3 * media_s
        )

    def _state(self) -> str:
        # No TLS here: loading the machine's certificates takes a tenth of a second.
        streams = httpx.get(self._list, verify=False).json()["streams"]
        return str(next(s for s in streams if s["id"] == "camera")["health"]["source_state"])


@pytest.fixture
def watched(camera: RtspServer) -> Iterator[Watched]:
    with Program([f"camera={camera.url('file')}", "demo", "--port", "0"]) as program:
        watched = Watched(program)
        watched.await_scores(within_s=60)
        program.wait_for(lambda: bool(program.heard["demo"]), within_s=60)
        yield watched


def longest_silence_s(program: Program, stream_id: str) -> float:
    times_s = [heard.at_s for heard in program.heard[stream_id]]
    return max(after - before for before, after in pairwise(times_s))


@pytest.mark.alone
def test_a_killed_camera_is_noticed_at_once_and_scored_again_soon_after_its_return(
    camera: RtspServer, watched: Watched
) -> None:
    epoch = watched.program.last("camera")["epoch"]
    camera.kill()
    watched.await_state({"connecting"}, within_s=0.3)
    watched.let_pass(OUTAGE_S)
    camera.start()
    watched.await_scores(within_s=6)
    assert watched.program.last("camera")["epoch"] == epoch + 1
    assert longest_silence_s(watched.program, "demo") < 1.0


@pytest.mark.alone
def test_a_frozen_camera_is_noticed_in_time_and_scored_again_when_it_goes_on(
    camera: RtspServer, watched: Watched
) -> None:
    epoch = watched.program.last("camera")["epoch"]
    camera.freeze()
    watched.await_state({"stalled"}, within_s=4)
    watched.await_state({"connecting"}, within_s=9)
    watched.let_pass(OUTAGE_S)
    camera.thaw()
    watched.await_scores(within_s=6)
    assert watched.program.last("camera")["epoch"] > epoch
    assert longest_silence_s(watched.program, "demo") < 1.0


class Wire:
    """A TCP relay to the camera that can be cut: both sides see the connection close."""

    def __init__(self, port: int) -> None:
        self._target = ("127.0.0.1", port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        self.cut()

    def cut(self) -> None:
        with self._lock:
            for end in self._open:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
                end.close()
            self._open.clear()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(self._target)
                with self._lock:
                    self._open |= {near, far}
                for one, other in ((near, far), (far, near)):
                    threading.Thread(target=self._relay, args=(one, other), daemon=True).start()

    def _relay(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while data := one.recv(65536):
                other.sendall(data)


def resources(process: psutil.Process) -> tuple[int, int, float]:
    return process.num_threads(), process.num_fds(), process.memory_info().rss / 2**20


def grown(before: tuple[int, int, float], after: tuple[int, int, float]) -> bool:
    threads, descriptors, memory_mib = before
    return after[0] > threads or after[1] > descriptors or after[2] > memory_mib + 5


@pytest.mark.timeout(300)
def test_fifty_reconnects_leave_no_thread_descriptor_or_memory_behind(camera: RtspServer) -> None:
    with ExitStack() as stack:
        port = int(camera.url("clock").rpartition(":")[2].partition("/")[0])
        wire = stack.enter_context(Wire(port))
        address = f"camera=rtsp://127.0.0.1:{wire.port}/clock"
        program = stack.enter_context(Program([address, "--no-serve"]))
        process = psutil.Process(program.process.pid)
        settled = (0, 0, 0.0)
        for number in range(RECONNECTS + 1):
            program.wait_for(
                lambda n=number: (
                    bool(program.heard["camera"])  # type: ignore[misc]
                    and program.last("camera")["epoch"] == n
                ),
                within_s=30,
            )
            if number == SETTLED:
                settled = resources(process)
            if number < RECONNECTS:
                wire.cut()
        # Asked again with every message: what is on its way out may take a moment.
        program.wait_for(lambda: not grown(settled, resources(process)), within_s=10)
