"""The cameras of `streams`: packets of RFC 6184, clocks of their own, a real connection."""

from __future__ import annotations

import asyncio
import struct
from pathlib import Path

import av
import numpy as np
import pytest

from benchmarks.cameras.camera import BUFFER_BYTES, Camera, cameras
from benchmarks.cameras.film import Film, Unit, read_film
from benchmarks.cameras.packets import lay_out, sender_report
from benchmarks.cameras.rig import CameraRig
from benchmarks.cameras.server import camera_number, description
from benchmarks.rtsp.camera_file import as_camera_sends
from stream.sources.demo import CLIP

FILM = Film((Unit((b"\x65" + bytes(99),), True), Unit((b"\x41" + bytes(9),), False)), 1e-4, ())


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's first second and a half, as a camera sends it."""
    return as_camera_sends(CLIP, tmp_path_factory.mktemp("film") / "demo.mp4", seconds=1.5)


def payloads(stream: bytes) -> list[tuple[int, int, int, bytes]]:
    """Sequence number, timestamp, marker and payload of each interleaved RTP packet."""
    found, at = [], 0
    while at < len(stream):
        dollar, channel, length = struct.unpack_from("!BBH", stream, at)
        assert (dollar, channel) == (ord("$"), 0)
        first, kind, seq, timestamp, ssrc = struct.unpack_from("!BBHII", stream, at + 4)
        assert (first, kind & 0x7F, ssrc) == (0x80, 96, 7)
        found.append((seq, timestamp, kind >> 7, stream[at + 16 : at + 4 + length]))
        at += 4 + length
    return found


def test_a_small_nal_unit_is_one_packet_and_a_large_one_is_put_together_again() -> None:
    small = b"\x67" + bytes(range(20))
    large = b"\x65" + np.random.default_rng(0).bytes(3000)
    packets = payloads(bytes(lay_out([small, large], ssrc=7, mtu=1000).stamped(65534, 12345)))
    assert [seq for seq, *_ in packets] == [65534, 65535, 0, 1, 2]
    assert {timestamp for _, timestamp, _, _ in packets} == {12345}
    assert [marker for _, _, marker, _ in packets] == [0, 0, 0, 0, 1]
    assert packets[0][3] == small
    parts = [payload for *_, payload in packets[1:]]
    assert all(part[0] == 0x7C and len(part) <= 1000 for part in parts)
    assert [part[1] for part in parts] == [0x85, 0x05, 0x05, 0x45]
    assert b"\x65" + b"".join(part[2:] for part in parts) == large


def test_a_sender_report_ties_the_wall_clock_to_the_timestamp() -> None:
    report = sender_report(7, 1_700_000_000.5, 4711, 9)
    assert struct.unpack("!BBHBBHIIIIII", report) == (
        36, 1, 28, 0x80, 200, 6, 7, 3_908_988_800, 2**31, 4711, 9, 0,
    )  # fmt: skip


def test_a_films_units_begin_with_a_keyframe_and_know_their_rate(film: Path) -> None:
    read = read_film(film)
    assert read.keys[0] == 0
    assert len(read.keys) == 2
    assert [one[0] & 0x1F for one in read.parameter_sets] == [7, 8]
    with av.open(str(film)) as container:
        rate = container.streams.video[0].average_rate
        assert rate is not None
        assert read.interval_s == pytest.approx(1 / float(rate))
    assert len(read.units) == pytest.approx(1.5 / read.interval_s, abs=2)


def test_a_film_with_b_frames_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "film.mp4"
    with av.open(str(other), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        grey = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 90, np.uint8), format="rgb24")
        container.mux(stream.encode(grey))
        container.mux(stream.encode(None))
    with pytest.raises(ValueError, match=r"no H\.264 without B-frames"):
        read_film(other)


def test_cameras_differ_in_phase_rate_and_time_and_are_the_same_in_the_next_run() -> None:
    some, again = cameras(FILM, 3), cameras(FILM, 3)
    assert len({one._phase_s for one in some}) == len({one._interval_s for one in some}) == 3
    assert [one.timestamp(5) for one in some] == [one.timestamp(5) for one in again]
    assert len({one.ssrc for one in some}) == 3


class Wire:
    """Takes bytes; `waiting` of them are still unread."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.waiting = 0

    def write(self, data: bytes | bytearray) -> None:
        self.written.append(bytes(data))

    def get_write_buffer_size(self) -> int:
        return self.waiting


async def played(camera: Camera, wire: Wire, enough: int) -> None:
    task = asyncio.create_task(camera.play(wire))
    while camera.counts.sent + camera.counts.left_out < enough:  # noqa: ASYNC110
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_camera_begins_with_a_report_and_a_keyframe_and_counts() -> None:
    (camera,), wire = cameras(FILM, 1), Wire()
    await played(camera, wire, 6)
    assert wire.written[0][1] == 1  # RTCP's channel
    assert wire.written[1][16] == 0x65
    assert camera.counts.sent == len(wire.written) - 1 == len(camera.counts.late_s)
    assert min(camera.counts.late_s) >= 0


async def test_a_camera_whose_viewer_stands_still_leaves_pictures_out_up_to_a_keyframe() -> None:
    (camera,), wire = cameras(FILM, 1), Wire()
    wire.waiting = BUFFER_BYTES + 1
    await played(camera, wire, 5)
    assert camera.counts.sent == 0
    wire.waiting = 0
    await played(camera, wire, camera.counts.left_out + 3)
    pictures = [data for data in wire.written if data[1] == 0]
    assert pictures[0][16] == 0x65


@pytest.mark.parametrize(
    ("address", "number"),
    [("rtsp://h:1/camera0", 0), ("rtsp://h/camera12/track", 12), ("rtsp://h/camera", None),
     ("rtsp://h/film3", None), ("*", None)],
)  # fmt: skip
def test_an_address_names_its_camera(address: str, number: int | None) -> None:
    assert camera_number(address) == number


def test_the_description_holds_the_parameter_sets() -> None:
    film = Film(FILM.units, FILM.interval_s, (b"\x67abc", b"\x68d"))
    assert "sprop-parameter-sets=Z2FiYw==,aGQ=" in description(film)


def test_two_cameras_are_watched_over_real_connections(film: Path) -> None:
    with CameraRig(film, 2) as rig:
        for named in rig.urls:
            url = named.partition("=")[2]
            options = {"rtsp_transport": "tcp", "analyzeduration": "0", "fpsprobesize": "0"}
            with av.open(url, options=options, timeout=10) as camera:
                pictures = camera.decode(video=0)
                size = {(one.width, one.height) for one, _ in zip(pictures, range(3), strict=False)}
            assert len(size) == 1
        unknown = rig.urls[0].partition("=")[2].replace("camera0", "camera7")
        with pytest.raises(av.error.HTTPNotFoundError):
            av.open(unknown, timeout=10)
        sent = rig.stop()
    assert sent["sent"] >= 6
    assert sent["left_out"] == 0
    assert sent["late_ms"]["count"] == sent["sent"]
