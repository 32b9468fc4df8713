from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from stream.sources.decoding import Decoder, Picture, to_rgb, video_stream
from tests.stream.sources.clips import picture, turn_clockwise, write_clip, write_sound

BT709, UNTAGGED, BT601 = 1, 2, 5
LIMITED, FULL = 1, 2


def solid(y: int, u: int, v: int, size: tuple[int, int], matrix: int, levels: int) -> av.VideoFrame:
    frame = av.VideoFrame(*size, "yuv420p")
    for plane, value in zip(frame.planes, (y, u, v), strict=True):
        plane.update(bytes([value]) * plane.buffer_size)
    frame.colorspace, frame.color_range = matrix, levels
    return frame


def pictures(path: Path) -> list[Picture]:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        decoder = Decoder(stream)
        return [picture for packet in container.demux(stream) for picture in decoder.decode(packet)]


@pytest.mark.parametrize(
    ("yuv", "size", "matrix", "levels"),
    [
        ((63, 102, 240), (64, 48), BT709, LIMITED),
        ((82, 90, 240), (64, 48), BT601, LIMITED),
        ((82, 90, 240), (64, 48), UNTAGGED, LIMITED),
        ((63, 102, 240), (1280, 720), UNTAGGED, LIMITED),
        ((76, 85, 255), (64, 48), BT601, FULL),
    ],
)
def test_red_is_red_in_every_matrix_and_range(
    yuv: tuple[int, int, int], size: tuple[int, int], matrix: int, levels: int
) -> None:
    rgb = to_rgb(solid(*yuv, size, matrix, levels))
    assert rgb.shape == (size[1], size[0], 3)
    assert rgb.dtype == np.uint8
    assert rgb[20, 20].astype(int) == pytest.approx([255, 0, 0], abs=3)


def test_a_thumbnail_is_the_brightness_of_every_sixteenth_point(tmp_path: Path) -> None:
    shown = pictures(write_clip(tmp_path / "clip.mp4"))[0]
    thumbnail = shown.thumbnail()
    assert thumbnail is not None
    assert thumbnail.shape == (15, 20)
    assert thumbnail.dtype == np.uint8
    grey = shown.frame.to_ndarray(format="gray8")[8::16, 8::16]
    # A grey picture spans 0 to 255, a coded one 16 to 235.
    assert np.corrcoef(thumbnail.ravel(), grey.ravel())[0, 1] > 0.99


def test_a_thumbnail_is_upright(tmp_path: Path) -> None:
    shown = pictures(turn_clockwise(write_clip(tmp_path / "phone.mp4")))[0]
    thumbnail = shown.thumbnail()
    assert thumbnail is not None
    assert thumbnail.shape == (20, 15)
    assert thumbnail[:3, -3:].min() > 180
    assert thumbnail[:3, :3].max() < 200


def test_without_a_plane_of_brightness_there_is_no_thumbnail() -> None:
    assert Picture(av.VideoFrame(64, 48, "rgb24"), corrupt=False).thumbnail() is None


def test_a_phone_held_upright_gives_an_upright_picture(tmp_path: Path) -> None:
    shown = pictures(turn_clockwise(write_clip(tmp_path / "phone.mp4")))[0]
    assert shown.size_px == (240, 320)
    rgb = shown.converter()()
    assert rgb.shape == (320, 240, 3)
    assert rgb.flags.c_contiguous
    # The bright square of the top left corner has moved to the top right.
    assert rgb[:50, -50:].min() > 200
    assert rgb[:50, :50].max() < 220


def test_a_clean_clip_has_no_corrupt_pictures(tmp_path: Path) -> None:
    seen = pictures(write_clip(tmp_path / "clean.mp4"))
    assert len(seen) == 25
    assert not any(picture.corrupt for picture in seen)
    assert seen[3].timestamp_s == pytest.approx(0.12)


def test_damage_lasts_until_the_next_keyframe(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "damaged.mp4", keyframes_every=10)
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        decoder, seen = Decoder(stream), []
        for number, packet in enumerate(container.demux(stream)):
            if number == 13:
                spoilt = bytearray(bytes(packet))
                spoilt[len(spoilt) // 2 :] = b"\x5a" * (len(spoilt) - len(spoilt) // 2)
                packet.update(bytes(spoilt))
            seen += [(picture.timestamp_s, picture.corrupt) for picture in decoder.decode(packet)]
    corrupt = [round((at or 0) / 0.04) for at, bad in seen if bad]
    assert set(corrupt) >= set(range(14, 20))
    assert set(corrupt) <= set(range(13, 20))
    assert decoder.errors >= 1


def test_a_packet_that_is_no_video_is_counted_and_passed_over(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "broken.mp4", keyframes_every=10)
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        decoder, seen = Decoder(stream), []
        for number, packet in enumerate(container.demux(stream)):
            if number == 13:
                packet.update(b"\xff" * packet.size)
            seen += decoder.decode(packet)
    assert decoder.errors >= 1
    assert len(seen) >= 20
    assert [picture.corrupt for picture in seen][-5:] == [False] * 5


def test_a_frame_without_a_timestamp_says_so() -> None:
    assert Picture(av.VideoFrame(16, 16), corrupt=False).timestamp_s is None


def test_the_decoder_says_what_it_is(tmp_path: Path) -> None:
    with av.open(str(write_clip(tmp_path / "named.mp4"))) as container:
        decoder = Decoder(container.streams.video[0])
    assert decoder.name == "h264 (software)"
    assert decoder.interval_s == pytest.approx(0.04)


class Turnstile:
    """A semaphore that lets in `room`, and notes how many were inside at most and in all."""

    def __init__(self, room: int) -> None:
        self._room = threading.Semaphore(room)
        self._lock = threading.Lock()
        self._inside = self.most = self.entered = 0

    def __enter__(self) -> None:
        self._room.acquire()
        with self._lock:
            self._inside += 1
            self.entered += 1
            self.most = max(self.most, self._inside)

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._inside -= 1
        self._room.release()


def test_no_more_pictures_are_decoded_at_a_time_than_there_is_room_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    turnstile = Turnstile(2)
    monkeypatch.setattr("stream.sources.decoding._ROOM", turnstile)
    path = write_clip(tmp_path / "many.mp4")
    with ThreadPoolExecutor(6) as pool:
        shown = list(pool.map(pictures, [path] * 6))
    assert [len(each) for each in shown] == [25] * 6
    assert turnstile.entered >= 6 * 25, "each packet went through it"
    assert turnstile.most <= 2


def test_sound_alone_has_no_video_stream(tmp_path: Path) -> None:
    with av.open(str(write_sound(tmp_path / "sound.mp4"))) as container:
        assert video_stream(container) is None


def encoded_in_slices(path: Path, *, without_slice_in: int | None) -> Path:
    """25 pictures of two slices each, the only keyframe first; one may lack its second slice."""
    with path.open("wb") as out:
        encoder = av.CodecContext.create("libx264", "w")
        assert isinstance(encoder, av.VideoCodecContext)
        encoder.width, encoder.height, encoder.pix_fmt = 320, 240, "yuv420p"
        encoder.framerate, encoder.time_base = Fraction(25), Fraction(1, 25)
        encoder.options = {"tune": "zerolatency", "x264-params": "slices=2:keyint=250:annexb=1"}
        for number in range(25):
            frame = av.VideoFrame.from_ndarray(picture(number), format="rgb24")
            frame.pts = number
            data = b"".join(bytes(packet) for packet in encoder.encode(frame))
            start = data.rindex(b"\0\0\1")
            out.write(data[:start].rstrip(b"\0") if number == without_slice_in else data)
    return path


def test_whole_pictures_of_several_slices_are_sound(tmp_path: Path) -> None:
    decoded = pictures(encoded_in_slices(tmp_path / "whole.h264", without_slice_in=None))
    assert [one.corrupt for one in decoded] == [False] * 25


def test_a_missing_slice_marks_the_picture_and_all_that_follow_from_it(tmp_path: Path) -> None:
    decoded = pictures(encoded_in_slices(tmp_path / "holed.h264", without_slice_in=10))
    assert [one.corrupt for one in decoded] == [False] * 10 + [True] * 15


@pytest.mark.parametrize(
    ("codec", "ending", "told"),
    [("libx264", "mkv", True), ("libvpx", "mkv", True), ("mjpeg", "avi", False)],
)
def test_every_picture_says_how_coarsely_it_was_coded_if_its_codec_does(
    codec: str, ending: str, told: bool, tmp_path: Path
) -> None:
    path = tmp_path / f"coded.{ending}"
    grey = solid(120, 90, 160, (64, 48), BT601, FULL)
    with av.open(str(path), "w") as sink:
        stream = sink.add_stream(codec, rate=25)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height = 64, 48
        stream.pix_fmt = "yuv420p" if told else "yuvj420p"
        for _ in range(5):
            sink.mux(stream.encode(grey))
        sink.mux(stream.encode(None))
    seen = [picture.quantiser() for picture in pictures(path)]
    assert len(seen) == 5
    for quantiser in seen:
        assert (quantiser is not None and 0 <= quantiser <= 51) is told
