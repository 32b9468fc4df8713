"""Against a real RTSP server, with the time burnt into its pictures."""

from __future__ import annotations

import binascii
import statistics
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import psutil
import pytest

from benchmarks.rtsp.camera_file import as_camera_sends
from benchmarks.rtsp.rig import PASSWORD, USER, RtspServer
from stream.clock import MonotonicClock
from stream.errors import SourceError
from stream.sources.base import SourceOptions
from stream.sources.network import NetworkSource
from stream.types import Capture, Pixels
from tests.stream.sources.clips import Recorder, options, write_clip

pytestmark = [pytest.mark.rtsp, pytest.mark.alone]
CELL_PX, COLUMNS, ROWS, UNITS_PER_S = 32, 16, 4, 10_000
PATIENCE_S = 12.0


def burnt_in_s(pixels: Pixels) -> float | None:
    """The Unix time in the picture's cells (see the RTSP server), None if the checksum fails."""
    cells = pixels[: ROWS * CELL_PX, : COLUMNS * CELL_PX].reshape(
        ROWS, CELL_PX, COLUMNS, CELL_PX, 3
    )
    bright = cells[:, 8:24, :, 8:24].mean(axis=(1, 3, 4)) > 127
    raw = np.packbits(bright.reshape(-1)).tobytes()
    if binascii.crc_hqx(raw[:6], 0) != int.from_bytes(raw[6:], "big"):
        return None
    return int.from_bytes(raw[:6], "big") / UNITS_PER_S


class Watch:
    """Runs a source in a thread and tells when what came or how it ended."""

    def __init__(self, source: NetworkSource, enough: Callable[[list[Capture]], bool]) -> None:
        self.captures: list[Capture] = []
        self.stop, self.enough = threading.Event(), threading.Event()
        self.fault: SourceError | None = None
        self.ended_s = 0.0
        self._is_enough, self._source = enough, source
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._source.run(self._take, self.stop)
        except SourceError as exc:
            self.fault = exc
        self.ended_s = time.monotonic()
        self.enough.set()

    def _take(self, capture: Capture) -> bool:
        self.captures.append(capture)
        if self._is_enough(self.captures):
            self.enough.set()
        return True

    def end(self) -> None:
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()


def watch(url: str, enough: Callable[[list[Capture]], bool], **changes: Any) -> Watch:
    found = Watch(NetworkSource(url, options(**changes)), enough)
    assert found.enough.wait(PATIENCE_S)
    return found


def seen(url: str, enough: Callable[[list[Capture]], bool], **changes: Any) -> list[Capture]:
    found = watch(url, enough, **changes)
    found.stop.set()
    found.end()
    assert found.fault is None
    return found.captures


def by_sender(captures: list[Capture]) -> list[Capture]:
    return [capture for capture in captures if capture.clock == "sender"]


def count(number: int) -> Callable[[list[Capture]], bool]:
    return lambda captures: len(captures) >= number


@pytest.mark.parametrize(
    ("mount", "transport"), [("clock", "tcp"), ("clock", "udp"), ("mjpeg", "tcp")]
)
def test_the_cameras_clock_is_the_time_in_the_picture(
    rtsp: RtspServer, mount: str, transport: str
) -> None:
    captures = seen(
        rtsp.url(mount), lambda taken: len(by_sender(taken)) >= 15, rtsp_transport=transport
    )
    clock = MonotonicClock()
    errors_s = []
    for capture in by_sender(captures):
        burnt_s = burnt_in_s(capture.convert())
        if burnt_s is not None:
            errors_s.append(clock.wall_s(capture.captured_at_s) - burnt_s)
        assert capture.captured_at_s <= capture.arrived_at_s <= capture.decoded_at_s
    assert len(errors_s) >= 12
    assert abs(statistics.median(errors_s)) < 0.03
    times_s = [capture.media_time_s for capture in captures]
    assert times_s == sorted(set(times_s))
    assert times_s[0] == 0


@pytest.mark.parametrize("b_frames", [0, 2])
def test_a_forwarded_film_runs_at_its_own_pace(
    rtsp: RtspServer, b_frames: int, tmp_path: Path
) -> None:
    film = write_clip(tmp_path / "film.mp4", range(0, 2000, 40), b_frames=b_frames)
    rtsp.restart(file=film)
    captures = seen(rtsp.url("file"), count(75))  # it starts over in between
    first, last = captures[10], captures[-1]
    media_s = last.media_time_s - first.media_time_s
    assert media_s == pytest.approx(last.arrived_at_s - first.arrived_at_s, abs=0.25)
    assert first.size_px == (320, 240)


def test_a_film_becomes_one_as_a_camera_sends_it(tmp_path: Path) -> None:
    film = write_clip(tmp_path / "film.mp4", range(0, 2000, 40), b_frames=2)
    sent = as_camera_sends(film, tmp_path / "camera.mp4", seconds=1.0)
    with av.open(str(sent)) as container:
        stream = container.streams.video[0]
        packets = [packet for packet in container.demux(stream) if packet.size]
        assert [packet.pts for packet in packets] == [packet.dts for packet in packets]
        assert not stream.codec_context.has_b_frames
        assert len(packets) == 26


def test_a_server_that_tells_no_time_leaves_arrival(rtsp: RtspServer) -> None:
    captures = seen(rtsp.url("mute"), count(20))
    assert not by_sender(captures)
    assert all(capture.captured_at_s == capture.arrived_at_s for capture in captures)
    burnt_s = [burnt_in_s(capture.convert()) for capture in captures[-5:]]
    assert all(burnt_s)


def test_the_first_picture_comes_soon(rtsp: RtspServer) -> None:
    begin_s = time.monotonic()
    captures = seen(rtsp.url("clock"), count(1))
    # Far less than the second between keyframes: the first one is not thrown away.
    assert captures[0].decoded_at_s - begin_s < 0.9


def test_a_killed_server_is_noticed_at_once(rtsp: RtspServer) -> None:
    camera = watch(rtsp.url("clock"), count(5))
    killed_s = time.monotonic()
    rtsp.kill()
    camera.end()
    assert camera.ended_s - killed_s < 0.3  # the promise is 0.1 s
    assert camera.fault is not None
    assert camera.fault.problem == "the camera closed the connection"
    assert camera.fault.retryable


@pytest.mark.parametrize("mount", ["clock", "mjpeg"])
def test_a_frozen_server_is_noticed_after_the_read_timeout(rtsp: RtspServer, mount: str) -> None:
    camera = watch(rtsp.url(mount), count(5), read_timeout_s=1.0)
    frozen_s = time.monotonic()
    rtsp.freeze()
    camera.end()
    assert 0.8 < camera.ended_s - frozen_s < 3.0
    assert camera.fault is not None
    assert camera.fault.problem == "nothing came for 1 s"
    assert camera.fault.retryable


def test_a_frozen_server_takes_the_open_timeout(rtsp: RtspServer) -> None:
    rtsp.freeze()
    camera = watch(rtsp.url("clock"), count(1), open_timeout_s=0.5)
    camera.end()
    assert camera.fault is not None
    assert camera.fault.problem == "no answer within 0.5 s"
    rtsp.thaw()


def test_it_is_found_again_after_a_restart_with_another_size(rtsp: RtspServer) -> None:
    assert seen(rtsp.url("clock"), count(3))[0].size_px == (640, 480)
    rtsp.restart(size="800x600")
    captures = seen(rtsp.url("clock"), count(3))
    assert captures[0].size_px == (800, 600)
    assert captures[0].convert().shape == (600, 800, 3)


def test_a_forwarded_file_arrives_bit_for_bit(tmp_path: Path) -> None:
    clip = as_camera_sends(write_clip(tmp_path / "film.mp4"), tmp_path / "camera.mp4")
    with av.open(str(clip)) as container:
        sent = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    with RtspServer(file=clip) as server:
        captures = seen(server.url("file"), count(20))
    for capture, pixels in zip(captures, sent, strict=False):
        assert not capture.corrupt
        assert np.array_equal(capture.convert(), pixels)


def test_reconnecting_leaves_nothing_behind(rtsp: RtspServer) -> None:
    process, held = psutil.Process(), []
    for _ in range(12):
        seen(rtsp.url("mjpeg"), count(2))
        watch(rtsp.url("nothing"), count(1)).end()
        held.append((process.num_threads(), process.num_fds()))
    # A thread may be on its way out at the moment of asking.
    deadline_s = time.monotonic() + 5
    while held[-1] > held[2] and time.monotonic() < deadline_s:
        held.append((process.num_threads(), process.num_fds()))
    assert held[-1] <= held[2]


def test_the_right_password_opens(rtsp: RtspServer) -> None:
    assert seen(rtsp.url("secret", USER, PASSWORD), count(2))


def test_a_wrong_password_is_final_and_never_shown(rtsp: RtspServer) -> None:
    for user, password in ((USER, "hunter2/@:"), ("", "")):
        camera = watch(rtsp.url("secret", user, password), count(1))
        camera.end()
        assert camera.fault is not None
        assert "(401)" in camera.fault.problem
        assert not camera.fault.retryable
        assert "hunter2" not in f"{camera.fault!s}{camera.fault!r}"


@pytest.mark.parametrize(
    ("mount", "problem"), [("nothing", "(404)"), ("audio", "has no video stream")]
)
def test_what_is_not_there_is_final(rtsp: RtspServer, mount: str, problem: str) -> None:
    camera = watch(rtsp.url(mount), count(1))
    camera.end()
    assert camera.fault is not None
    assert problem in camera.fault.problem
    assert not camera.fault.retryable


def test_a_sender_in_another_year_is_not_believed(rtsp: RtspServer) -> None:
    class Later(MonotonicClock):
        def wall_s(self, at_s: float) -> float:
            return super().wall_s(at_s) + 3600.0

    source = NetworkSource(rtsp.url("mjpeg"), SourceOptions(Later()))
    recorder = Recorder(40)
    source.run(recorder, threading.Event())
    assert {capture.clock for capture in recorder.captures} == {"arrival"}
