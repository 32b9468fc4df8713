from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from pathlib import Path

import av
import pytest
from av.video.stream import VideoStream

from stream.clock import ManualClock
from stream.sources.decoding import Decoder
from stream.sources.lateness import Lateness
from stream.sources.live import LiveRelay, NoPictures, Sent
from tests.stream.sources.clips import Recorder, write_clip

BEGIN_S, GAP_S = 1000.0, 0.04


class Camera:
    """A clip's packets, arriving every `GAP_S` on a manual clock."""

    def __init__(self, path: Path) -> None:
        self.container = av.open(str(path))
        self.stream = self.container.streams.video[0]
        self.decoder = Decoder(self.stream)
        self.clock = ManualClock(BEGIN_S)

    def packets(self) -> Iterator[av.Packet[VideoStream]]:
        for packet in self.container.demux(self.stream):
            self.clock.advance(GAP_S)
            yield packet


@pytest.fixture
def camera(tmp_path: Path) -> Iterator[Camera]:
    camera = Camera(write_clip(tmp_path / "camera.mkv"))
    with camera.container:
        yield camera


def nothing(packet: av.Packet[VideoStream]) -> Sent:
    return Sent(None)


def test_without_a_sender_clock_arrival_stands_in(camera: Camera) -> None:
    relay = LiveRelay(camera.decoder, camera.clock, "cam", sent=nothing)
    seen = Recorder()
    assert relay.run(camera.packets(), seen, threading.Event())
    assert len(seen.captures) == 25
    for number, capture in enumerate(seen.captures):
        assert capture.clock == "arrival"
        assert capture.captured_at_s == capture.arrived_at_s
        assert capture.arrived_at_s == pytest.approx(BEGIN_S + (number + 1) * GAP_S)
        assert capture.rtp_timestamp is None


def test_the_senders_clock_gives_the_capture_time(camera: Camera) -> None:
    def sent(packet: av.Packet[VideoStream]) -> Sent:
        return Sent(camera.clock.now_s() - 0.09, 4711)

    relay = LiveRelay(camera.decoder, camera.clock, "cam", sent=sent)
    seen = Recorder()
    relay.run(camera.packets(), seen, threading.Event())
    for capture in seen.captures:
        assert capture.clock == "sender"
        assert capture.arrived_at_s - capture.captured_at_s == pytest.approx(0.09)
        assert capture.rtp_timestamp == 4711


def test_a_clock_that_is_not_used_is_told_once(
    camera: Camera, caplog: pytest.LogCaptureFixture
) -> None:
    relay = LiveRelay(camera.decoder, camera.clock, "cam", sent=lambda packet: Sent(0.0))
    seen = Recorder()
    with caplog.at_level(logging.WARNING):
        relay.run(camera.packets(), seen, threading.Event())
    assert {capture.clock for capture in seen.captures} == {"arrival"}
    assert [record.message for record in caplog.records] == [
        "cam: the sender's clock is not used, arrival stands in: "
        "it is more than 10 s behind this machine's clock"
    ]


def test_made_up_timestamps_give_way_to_arrivals(camera: Camera) -> None:
    relay = LiveRelay(camera.decoder, camera.clock, "cam", sent=nothing, own_timestamps=False)
    seen = Recorder()

    def slowly() -> Iterator[av.Packet[VideoStream]]:
        for packet in camera.packets():
            camera.clock.advance(0.06)
            yield packet

    relay.run(slowly(), seen, threading.Event())
    assert seen.times_s[:3] == pytest.approx([0, 0.1, 0.2])


def test_stop_and_a_refusal_end_it(camera: Camera) -> None:
    stop = threading.Event()
    relay = LiveRelay(camera.decoder, camera.clock, "cam", sent=nothing)
    seen = Recorder(3)
    assert not relay.run(camera.packets(), seen, stop)
    assert len(seen.captures) == 3
    stop.set()
    assert not relay.run(camera.packets(), seen, stop)
    assert len(seen.captures) == 3


def test_packets_without_pictures_are_given_up(camera: Camera) -> None:
    def spoilt() -> Iterator[av.Packet[VideoStream]]:
        for packet in camera.packets():
            if packet.size:
                packet.update(b"\xff" * packet.size)
            yield packet

    relay = LiveRelay(camera.decoder, camera.clock, "cam", sent=nothing, patience_s=0.5)
    with pytest.raises(NoPictures):
        relay.run(spoilt(), Recorder(), threading.Event())


def test_packets_that_waited_are_left_out_and_it_is_said_once(
    camera: Camera, caplog: pytest.LogCaptureFixture
) -> None:
    def held_up() -> Iterator[av.Packet[VideoStream]]:
        for number, packet in enumerate(camera.packets()):
            if number == 5:
                camera.clock.advance(3.0)
            yield packet

    relay = LiveRelay(camera.decoder, camera.clock, "cam", sent=nothing, lateness=Lateness())
    seen = Recorder()
    with caplog.at_level(logging.WARNING):
        assert relay.run(held_up(), seen, threading.Event())
    assert len(seen.captures) < 25
    assert not any(capture.corrupt for capture in seen.captures)
    (record,) = caplog.records
    assert record.getMessage().startswith("cam: its pictures cannot be decoded as fast")
