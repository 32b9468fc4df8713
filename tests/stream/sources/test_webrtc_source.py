"""WebRtcSource: coded frames in, captures out, and a clear end."""

from __future__ import annotations

import threading
from itertools import pairwise

import pytest

from stream.clock import MonotonicClock
from stream.errors import SourceError
from stream.sources.inbox import Arrived, Inbox
from stream.sources.webrtc import WebRtcSource
from stream.types import Capture
from tests.doubles import DEADLINE_S
from tests.stream.sources.clips import coded

SIZE = (320, 240)


class Watched:
    """A source over frames that are all there already, and what it emits until the last of them."""

    def __init__(self, frames: list[Arrived], **how: float) -> None:
        self.inbox = Inbox()
        for frame in frames:
            self.inbox.put(frame)
        self.asked = 0
        self.captures: list[Capture] = []
        self._last = frames[-1].rtp_timestamp if frames else None
        self.source = WebRtcSource(
            self.inbox,
            MonotonicClock(),
            "webrtc:cam",
            max_pixels=int(how.get("max_pixels", 640 * 480)),
            open_timeout_s=how.get("open_timeout_s", DEADLINE_S),
            needs_keyframe=self._ask,
        )

    def _ask(self) -> None:
        self.asked += 1

    def _emit(self, capture: Capture) -> bool:
        self.captures.append(capture)
        if capture.rtp_timestamp == self._last:
            self.inbox.close()
        return True

    def run(self) -> list[Capture]:
        self.source.run(self._emit, threading.Event())
        return self.captures


@pytest.mark.parametrize(("codec", "name"), [("libvpx", "vp8"), ("libx264", "h264")])
def test_pictures_carry_rtp_time_arrival_size_and_quantiser(codec: str, name: str) -> None:
    frames = coded(5, codec=codec)
    watched = Watched(frames)
    captures = watched.run()
    assert watched.source.decoder == f"{name} (software)"
    assert [c.rtp_timestamp for c in captures] == [f.rtp_timestamp for f in frames]
    assert [c.arrived_at_s for c in captures] == [f.at_s for f in frames]
    assert [c.captured_at_s for c in captures] == [f.at_s for f in frames]
    assert {c.clock for c in captures} == {"arrival"}
    assert {c.size_px for c in captures} == {SIZE}
    told = [capture.quantiser() for capture in captures]
    assert all(quantiser is not None and 0 <= quantiser <= 51 for quantiser in told)
    assert captures[0].convert().shape == (240, 320, 3)


def test_media_time_runs_on_where_the_rtp_time_begins_anew() -> None:
    captures = Watched(coded(6, first_rtp=2**32 - 9000)).run()
    for one, other in pairwise(captures):
        assert other.media_time_s - one.media_time_s == pytest.approx(1 / 30, abs=1e-4)


def test_what_follows_a_loss_is_corrupt_until_the_next_keyframe() -> None:
    frames = coded(4)
    frames[1] = frames[1]._replace(damaged=True)
    captures = Watched([*frames, *coded(1, first_rtp=90_000)]).run()
    assert [c.corrupt for c in captures] == [False, True, True, True, False]


def test_a_frame_that_cannot_be_decoded_asks_for_a_keyframe() -> None:
    frames = coded(3)
    frames[1] = frames[1]._replace(data=b"\xff" * 20)
    keyframe = coded(1, first_rtp=90_000)
    watched = Watched([*frames, *keyframe])
    first, *between, last = watched.run()
    assert watched.asked >= 1
    # VP8 keeps its coder's state from frame to frame: without the second, the third may be decoded
    # into something, or not at all.
    assert all(capture.corrupt for capture in between)
    assert (first.corrupt, last.corrupt) == (False, False)


def test_a_picture_that_is_too_large_ends_it() -> None:
    with pytest.raises(SourceError, match="320×240 is too large") as caught:
        Watched(coded(1), max_pixels=1000).run()
    assert not caught.value.retryable


def test_no_video_within_the_open_timeout_is_an_error() -> None:
    with pytest.raises(SourceError, match="no video came"):
        Watched([], open_timeout_s=0.05).run()


def test_another_codec_in_mid_stream_ends_it() -> None:
    with pytest.raises(SourceError, match="changed its codec"):
        Watched([*coded(2), *coded(2, 9000, "libx264")]).run()


def test_a_peer_that_goes_and_a_stop_are_natural_ends() -> None:
    gone = Watched([])
    gone.inbox.close()
    assert gone.run() == []
    stopped, stop = Watched([]), threading.Event()
    stop.set()
    stopped.source.run(lambda capture: True, stop)
