"""What every source promises, whatever it reads: `stream/sources/base.py`."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from benchmarks.rtsp.rig import RtspServer, missing
from stream.clock import ManualClock, MonotonicClock
from stream.errors import SourceError
from stream.sources import open_source
from stream.sources.base import Source, SourceOptions
from stream.sources.inbox import Arrived, Inbox
from stream.sources.webrtc import WebRtcSource
from stream.types import Capture
from tests.stream.sources.clips import Recorder, coded, write_clip
from tests.stream.sources.web import web_camera

SCHEMES = ("rtsp", "http")
PATIENCE_S = 10.0


Place = str | Callable[[SourceOptions], Source]
"""As on the command line, or what makes the source where no name does."""


@dataclass(frozen=True)
class Case:
    """One source that gives pictures, and one of its kind that cannot be opened."""

    good: Place
    bad: Place
    live: bool
    silence: Callable[[], None] | None = None


@pytest.fixture(params=["demo", "file", "camera", "rtsp", "http", "webrtc"])
def case(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Case]:
    with ExitStack() as stack:
        if request.param == "demo":
            yield Case("demo", str(tmp_path / "missing.mp4"), live=False)
        elif request.param == "file":
            clip = write_clip(tmp_path / "clip.mp4", range(0, 2000, 40))
            yield Case(str(clip), str(tmp_path / "missing.mp4"), live=False)
        elif request.param == "camera":
            plug_in_a_camera(tmp_path, monkeypatch)
            yield Case("camera:0", "camera:99", live=True)
        elif request.param == "rtsp":
            if reason := missing():
                pytest.skip(reason)
            server = stack.enter_context(RtspServer())
            yield Case(server.url("clock"), server.url("nothing"), True, server.freeze)
        elif request.param == "webrtc":
            yield Case(partial(peer, coded(30)), partial(peer, []), live=True)
        else:
            web = stack.enter_context(web_camera())
            yield Case(web.url("mjpeg"), web.url("404"), True, web.over.set)


def plug_in_a_camera(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let /dev/video0 be a clip."""
    clip, real_open = write_clip(tmp_path / "camera.mkv"), av.open

    def behave(device: str, **kwargs: Any) -> Any:
        return real_open(str(clip) if device == "/dev/video0" else device)

    monkeypatch.setattr(av, "open", behave)


def peer(frames: Sequence[Arrived], options: SourceOptions) -> Source:
    """A peer's source, to which `frames` have come."""
    inbox = Inbox()
    for frame in frames:
        inbox.put(frame)
    return WebRtcSource(
        inbox,
        options.clock,
        "webrtc:cam",
        max_pixels=640 * 480,
        open_timeout_s=options.open_timeout_s,
        needs_keyframe=lambda: None,
    )


def make(place: Place, **changes: Any) -> Source:
    options = SourceOptions(MonotonicClock(), **changes)
    return open_source(place, options, SCHEMES) if isinstance(place, str) else place(options)


def test_pictures_come_in_order_with_their_times_and_sizes(case: Case) -> None:
    source, seen = make(case.good), Recorder(12)
    assert source.live is case.live
    assert source.decoder == ""
    source.run(seen, threading.Event())
    assert source.decoder.endswith("(software)")
    assert seen.times_s[0] == 0
    assert all(earlier < later for earlier, later in pairwise(seen.times_s))
    for capture in seen.captures:
        assert capture.captured_at_s <= capture.arrived_at_s <= capture.decoded_at_s
        assert capture.clock in {"sender", "arrival"}
        assert not capture.corrupt


def test_pixels_are_rgb_of_the_size_that_was_said_made_in_any_thread(case: Case) -> None:
    seen = Recorder(2)
    make(case.good).run(seen, threading.Event())
    made = []
    thread = threading.Thread(target=lambda: made.append(seen.captures[-1].convert()))
    thread.start()
    thread.join()
    width, height = seen.captures[-1].size_px
    assert made[0].shape == (height, width, 3)
    assert made[0].dtype == np.uint8
    assert made[0].std() > 10


def test_a_refusal_ends_it(case: Case) -> None:
    seen = Recorder(1)
    make(case.good).run(seen, threading.Event())
    assert len(seen.captures) == 1


@pytest.mark.alone
def test_stop_ends_it_and_nothing_comes_afterwards(case: Case) -> None:
    stop, over = threading.Event(), threading.Event()
    late: list[Capture] = []

    def emit(capture: Capture) -> bool:
        if over.is_set():
            late.append(capture)
        if capture.media_time_s >= 0.1:
            stop.set()
        return True

    thread = threading.Thread(target=make(case.good).run, args=(emit, stop))
    thread.start()
    assert stop.wait(PATIENCE_S)
    stopped_s = time.monotonic()
    thread.join(PATIENCE_S)
    assert time.monotonic() - stopped_s < 1.0
    over.set()
    time.sleep(0.1)
    assert not late


def test_a_stop_that_came_first_emits_nothing_much(case: Case) -> None:
    stop, seen = threading.Event(), Recorder()
    stop.set()
    make(case.good).run(seen, stop)
    assert len(seen.captures) <= 1


def test_each_attempt_starts_anew(case: Case) -> None:
    for _ in range(2):
        seen = Recorder(2)
        make(case.good).run(seen, threading.Event())
        assert seen.times_s[0] == 0


def test_what_cannot_be_opened_raises_one_clear_line(case: Case) -> None:
    with pytest.raises(SourceError) as caught:
        make(case.bad, open_timeout_s=2.0).run(Recorder(), threading.Event())
    assert "\n" not in str(caught.value)
    assert caught.value.problem
    assert caught.value.remedy


def test_what_emit_raises_is_not_swallowed(case: Case) -> None:
    def emit(capture: Capture) -> bool:
        raise LookupError("the session's own fault")

    with pytest.raises(LookupError):
        make(case.good).run(emit, threading.Event())


def test_silence_is_a_fault_that_may_pass(case: Case) -> None:
    if case.silence is None:
        pytest.skip(
            "not here: a file has none, test_silence.py covers the camera, test_refusals.py peers"
        )
    silence, seen = case.silence, Recorder()

    def emit(capture: Capture) -> bool:
        if len(seen.captures) == 4:
            silence()
        return seen(capture)

    with pytest.raises(SourceError) as caught:
        make(case.good, read_timeout_s=1.0).run(emit, threading.Event())
    assert caught.value.retryable


@pytest.mark.parametrize("text", ["demo", "file"])
def test_a_file_ends_by_returning(text: str, tmp_path: Path) -> None:
    if text == "file":
        text = str(write_clip(tmp_path / "clip.mp4"))
    options = SourceOptions(ManualClock(), paced=False)
    seen = Recorder()
    open_source(text, options, SCHEMES).run(seen, threading.Event())
    assert len(seen.captures) in {25, 600}
