from __future__ import annotations

import errno
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from stream.clock import MonotonicClock
from stream.errors import SourceError
from stream.sources.camera import CameraSource
from tests.stream.sources.clips import Recorder, options, picture, play, write_clip

linux = pytest.mark.skipif(sys.platform != "linux", reason="Video4Linux")
real_open = av.open


def plug(monkeypatch: pytest.MonkeyPatch, behave: Callable[..., Any]) -> None:
    """Let `behave` stand in for FFmpeg's opening of a device."""
    monkeypatch.setattr(av, "open", behave)


def refusing(code: int) -> Callable[..., Any]:
    def behave(*args: object, **kwargs: object) -> Any:
        av.error.err_check(-code, "/dev/video0")

    return behave


def fault(target: str = "0") -> SourceError:
    with pytest.raises(SourceError) as caught:
        play(CameraSource(target, options()))
    return caught.value


@linux
@pytest.mark.parametrize(
    ("code", "problem", "retryable"),
    [
        (errno.ENOENT, "there is no such camera", True),
        (errno.EACCES, "permission to use the camera is denied", True),
        (errno.EBUSY, "another program uses the camera", True),
        (errno.ENODEV, "the camera was unplugged", True),
        (errno.EIO, "the camera does not answer", True),
        (errno.ENOTTY, "the device takes no pictures", False),
        (errno.ENOMEM, "the camera cannot be used", True),
    ],
)
def test_why_a_camera_cannot_be_used(
    code: int, problem: str, retryable: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    plug(monkeypatch, refusing(code))
    found = fault()
    assert found.problem == problem
    assert found.retryable is retryable
    assert str(found).startswith("source camera:0: ")


@linux
def test_a_camera_that_is_not_there() -> None:
    assert fault("/dev/video987").problem == "there is no such camera"


@linux
def test_a_device_that_is_no_camera() -> None:
    assert fault("/dev/null").problem == "the device takes no pictures"


@linux
def test_modes_are_tried_until_one_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip, asked = str(write_clip(tmp_path / "cam.mkv", codec="mjpeg")), []

    def behave(device: str, **kwargs: Any) -> Any:
        asked.append((device, kwargs["options"].get("video_size")))
        if kwargs["options"]:
            av.error.err_check(-errno.EINVAL, device)
        return real_open(clip)

    plug(monkeypatch, behave)
    source, seen = CameraSource("2", options()), Recorder(5)
    source.run(seen, threading.Event())
    assert asked == [("/dev/video2", "1280x720"), ("/dev/video2", "640x480"), ("/dev/video2", None)]
    assert source.decoder == "mjpeg (software)"
    assert [capture.clock for capture in seen.captures] == ["arrival"] * 5


@linux
def test_the_drivers_time_stamp_is_the_capture_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_ms = round(MonotonicClock().now_s() * 1000)
    times_ms = [now_ms - 50 + 40 * n for n in range(3)]
    clip = str(write_clip(tmp_path / "cam.mkv", times_ms, codec="mjpeg"))
    plug(monkeypatch, lambda *args, **kwargs: real_open(clip))
    seen = Recorder(1)
    CameraSource("0", options()).run(seen, threading.Event())
    assert seen.captures[0].clock == "sender"
    assert seen.captures[0].captured_at_s == pytest.approx(times_ms[0] / 1000, abs=0.02)


@linux
def test_a_camera_that_stops_is_worth_another_try(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = str(write_clip(tmp_path / "cam.mkv", codec="mjpeg"))
    plug(monkeypatch, lambda *args, **kwargs: real_open(clip))
    found = fault()
    assert found.problem == "the camera stopped"
    assert found.retryable


@linux
@pytest.mark.alone
def test_a_driver_that_hangs_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    hang = threading.Event()

    def behave(*args: object, **kwargs: object) -> Any:
        hang.wait()
        av.error.err_check(-errno.EIO, "/dev/video0")

    plug(monkeypatch, behave)
    begin_s = time.monotonic()
    with pytest.raises(SourceError, match="sends nothing"):
        play(CameraSource("0", options(open_timeout_s=0.2)))
    assert time.monotonic() - begin_s < 2.0
    hang.set()


class FakeCapture:
    """OpenCV's camera, with three pictures."""

    opened = True

    def __init__(self, device: int | str) -> None:
        self.device = device
        self.left = 3

    def isOpened(self) -> bool:  # noqa: N802 - OpenCV's name
        return self.opened

    def set(self, key: int, value: float) -> bool:
        return True

    def getBackendName(self) -> str:  # noqa: N802 - OpenCV's name
        return "FAKE"

    def grab(self) -> bool:
        self.left -= 1
        return self.left >= 0

    def retrieve(self) -> tuple[bool, Any]:
        return True, np.ascontiguousarray(picture(0)[..., ::-1])

    def release(self) -> None:
        """Nothing is held."""


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> type[FakeCapture]:
    """A system without Video4Linux."""
    monkeypatch.setattr(sys, "platform", "darwin")
    fake = type("Fake", (FakeCapture,), {})
    monkeypatch.setattr(cv2, "VideoCapture", fake)
    return fake


def test_elsewhere_opencv_reads_the_camera(elsewhere: type[FakeCapture]) -> None:
    source, seen = CameraSource("1", options()), Recorder()
    with pytest.raises(SourceError, match="the camera stopped"):
        source.run(seen, threading.Event())
    assert source.decoder == "opencv fake (software)"
    assert len(seen.captures) == 3
    first = seen.captures[0]
    assert first.size_px == (320, 240)
    assert (first.convert() == picture(0)).all()
    assert first.captured_at_s <= first.decoded_at_s


def test_elsewhere_a_camera_that_is_not_there(elsewhere: type[FakeCapture]) -> None:
    elsewhere.opened = False
    assert fault().problem == "the camera cannot be opened"
