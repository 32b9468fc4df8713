from __future__ import annotations

import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from stream.errors import ConfigError, SourceError
from stream.sources.network import NetworkSource
from tests.stream.sources.clips import Recorder, options, play, write_clip, write_sound
from tests.stream.sources.web import WebCamera

pytestmark = pytest.mark.alone


def fault(url: str, **changes: Any) -> SourceError:
    with pytest.raises(SourceError) as caught:
        play(NetworkSource(url, options(**changes)))
    return caught.value


def test_motion_jpeg_is_live_and_timed_by_its_arrival(web: WebCamera) -> None:
    source = NetworkSource(web.url("mjpeg"), options())
    seen = play(source, limit=12)
    assert source.live
    assert source.decoder == "mjpeg (software)"
    # The first pictures were probed and come at once; later ones as they are sent.
    paces = [b - a for a, b in zip(seen.times_s[-6:], seen.times_s[-5:], strict=False)]
    assert sum(paces) / len(paces) == pytest.approx(0.045, abs=0.02)
    assert {capture.clock for capture in seen.captures} == {"arrival"}


def test_a_file_over_http_plays_at_its_own_pace_and_ends(web: WebCamera, tmp_path: Path) -> None:
    web.files["clip.mp4"] = write_clip(tmp_path / "clip.mp4").read_bytes()
    source = NetworkSource(web.url("clip.mp4"), options())
    begin_s = time.monotonic()
    seen = play(source)
    assert 0.9 < time.monotonic() - begin_s < 5.0
    assert len(seen.captures) == 25
    assert not source.live


def test_a_camera_that_closes_is_a_fault(web: WebCamera) -> None:
    found = fault(web.url("closing"))
    assert found.problem in {"the camera closed the connection", "the connection was lost"}
    assert found.retryable


def test_a_camera_that_falls_silent_is_noticed_after_the_read_timeout(web: WebCamera) -> None:
    begin_s = time.monotonic()
    found = fault(web.url("stall"), read_timeout_s=0.5)
    assert found.problem == "nothing came for 0.5 s"
    assert found.retryable
    assert time.monotonic() - begin_s < 3.0


@pytest.mark.parametrize(
    ("path", "problem", "retryable"),
    [("401", "401", False), ("403", "403", False), ("404", "404", False), ("500", "5xx", True)],
)
def test_refusals(web: WebCamera, path: str, problem: str, retryable: bool) -> None:
    found = fault(web.url(path, login="user:hunter2@"))
    assert problem in found.problem
    assert found.retryable is retryable
    assert "hunter2" not in str(found)
    assert "user:***@" in str(found)


def test_what_is_no_video_is_not_tried_again(web: WebCamera, tmp_path: Path) -> None:
    web.files["page"] = b"<html>Welcome</html>" * 100
    web.files["sound.mp4"] = write_sound(tmp_path / "sound.mp4").read_bytes()
    assert fault(web.url("page")).problem == "what it sends is no video"
    assert fault(web.url("sound.mp4")).problem == "has no video stream"
    assert not fault(web.url("page")).retryable


def test_a_recording_in_segments_plays_at_its_own_pace(web: WebCamera, tmp_path: Path) -> None:
    web.files["one.ts"] = write_clip(tmp_path / "one.ts").read_bytes()
    web.files["list.m3u8"] = (
        b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\none.ts\n#EXT-X-ENDLIST\n"
    )
    source = NetworkSource(web.url("list.m3u8"), options())
    begin_s = time.monotonic()
    assert len(play(source).captures) == 25
    assert time.monotonic() - begin_s > 0.9
    assert not source.live


def test_a_playlist_on_the_web_opens_no_local_file(web: WebCamera, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.ts")
    lines = f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile://{clip}\n#EXT-X-ENDLIST\n"
    web.files["list.m3u8"] = lines.encode()
    seen = Recorder()
    with pytest.raises(SourceError):
        NetworkSource(web.url("list.m3u8"), options(read_timeout_s=0.5)).run(
            seen, threading.Event()
        )
    assert not seen.captures


def test_a_closed_port_is_said_at_once() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    begin_s = time.monotonic()
    found = fault(f"rtsp://user:hunter2@127.0.0.1:{port}/x")
    assert found.problem == "the connection is refused"
    assert found.retryable
    assert "hunter2" not in str(found)
    assert time.monotonic() - begin_s < 1.0


def test_a_server_that_never_answers_takes_the_open_timeout() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        begin_s = time.monotonic()
        found = fault(f"rtsp://127.0.0.1:{mute.getsockname()[1]}/x", open_timeout_s=0.5)
    assert found.problem == "no answer within 0.5 s"
    assert found.retryable
    assert time.monotonic() - begin_s < 2.0


def test_a_name_that_does_not_exist() -> None:
    found = fault("rtsp://camera.invalid/x", open_timeout_s=30.0)
    assert found.problem == "cannot be reached"
    assert found.retryable


def test_stop_is_honoured(web: WebCamera) -> None:
    stop = threading.Event()
    threading.Timer(0.3, stop.set).start()
    begin_s = time.monotonic()
    NetworkSource(web.url("mjpeg"), options()).run(Recorder(), stop)
    assert time.monotonic() - begin_s < 2.0


@pytest.mark.parametrize(
    "scheme", ["rtsp", "rtsps", "http", "https", "rtmp", "rtmps", "srt", "udp"]
)
def test_no_scheme_may_open_files(scheme: str) -> None:
    chosen = NetworkSource(f"{scheme}://h/x", options())._ffmpeg_options()
    protocols = chosen["protocol_whitelist"].split(",")
    assert not {"file", "pipe", "concat", "subfile", "data", "fd"} & set(protocols)
    if scheme in {"rtmp", "rtmps"}:
        assert "timeout" not in chosen  # it would listen


def test_rtsp_over_udp_waits_for_packets_that_overtake_each_other() -> None:
    tcp = NetworkSource("rtsp://h/x", options())._ffmpeg_options()
    udp = NetworkSource("rtsp://h/x", options(rtsp_transport="udp"))._ffmpeg_options()
    assert (tcp["rtsp_transport"], tcp["max_delay"]) == ("tcp", "0")
    assert udp["rtsp_transport"] == "udp"
    assert int(udp["max_delay"]) > 0


# -- what somebody asked for over the network ------------------------------------------------------


def nobody_minds(url: str) -> None:
    """Admit everything."""


def test_an_address_is_asked_about_before_each_attempt(web: WebCamera) -> None:
    def refuse(url: str) -> None:
        raise ConfigError("source", "the host may not be opened from here")

    found = fault(web.url("mjpeg"), admits=refuse)
    assert found.problem == "the host may not be opened from here"
    assert found.retryable
    source = NetworkSource(web.url("mjpeg"), options(admits=nobody_minds))
    assert len(play(source, limit=3).captures) == 3


def test_what_was_admitted_redirects_nowhere_else(web: WebCamera, tmp_path: Path) -> None:
    web.files["clip.mp4"] = write_clip(tmp_path / "clip.mp4").read_bytes()
    followed = play(NetworkSource(web.url("to/clip.mp4"), options()), limit=1)
    assert followed.captures
    web.asked.clear()
    fault(web.url("to/clip.mp4"), admits=nobody_minds)
    assert web.asked == []


def test_what_was_admitted_is_no_playlist_of_other_addresses(
    web: WebCamera, tmp_path: Path
) -> None:
    web.files["clip.ts"] = write_clip(tmp_path / "clip.ts").read_bytes()
    lines = ("#EXTM3U", "#EXT-X-TARGETDURATION:1", "#EXTINF:1,", "clip.ts", "#EXT-X-ENDLIST", "")
    web.files["live.m3u8"] = "\n".join(lines).encode()
    fault(web.url("live.m3u8"), admits=nobody_minds)
    assert "clip.ts" not in web.asked
