from __future__ import annotations

import logging
import os
import threading
import time
from pathlib import Path

import pytest

from stream.clock import ManualClock, MonotonicClock
from stream.errors import SourceError
from stream.sources.file import FileSource
from tests.stream.sources.clips import (
    STEADY_MS,
    Recorder,
    options,
    play,
    turn_clockwise,
    write_clip,
    write_sound,
)


def unpaced(path: Path) -> Recorder:
    return play(FileSource(str(path), options(ManualClock(), paced=False)))


def fault(path: Path | str) -> SourceError:
    with pytest.raises(SourceError) as caught:
        play(FileSource(str(path), options(ManualClock(), paced=False)))
    assert not caught.value.retryable
    return caught.value


def test_without_pacing_every_time_is_media_time(tmp_path: Path) -> None:
    seen = unpaced(write_clip(tmp_path / "clip.mp4"))
    assert seen.times_s == pytest.approx([at / 1000 for at in STEADY_MS])
    for capture in seen.captures:
        times = {capture.captured_at_s, capture.arrived_at_s, capture.decoded_at_s}
        assert times == {capture.media_time_s}
        assert capture.size_px == (320, 240)
        assert not capture.corrupt


def test_a_variable_frame_rate_keeps_its_times(tmp_path: Path) -> None:
    times_ms = (0, 10, 200, 230, 900, 1400)
    seen = unpaced(write_clip(tmp_path / "vfr.mkv", times_ms))
    assert seen.times_s == pytest.approx([at / 1000 for at in times_ms], abs=0.001)


def test_media_time_starts_at_zero_wherever_the_file_starts(tmp_path: Path) -> None:
    seen = unpaced(write_clip(tmp_path / "late.mkv", (5000, 5040, 5080)))
    assert seen.times_s == pytest.approx([0, 0.04, 0.08], abs=0.001)


def test_two_runs_are_equal(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "same.mp4")
    first, second = unpaced(path).captures, unpaced(path).captures
    assert [c.media_time_s for c in first] == [c.media_time_s for c in second]
    assert all((a.convert() == b.convert()).all() for a, b in zip(first, second, strict=True))


@pytest.mark.alone
def test_a_paced_file_comes_as_from_a_camera(tmp_path: Path) -> None:
    clock = MonotonicClock()
    begin_s = clock.now_s()
    seen = play(FileSource(str(write_clip(tmp_path / "paced.mp4")), options(clock)))
    assert clock.now_s() - begin_s >= 0.96
    start_s = seen.captures[0].captured_at_s
    for capture in seen.captures:
        assert capture.captured_at_s == pytest.approx(start_s + capture.media_time_s)
        assert capture.captured_at_s == capture.arrived_at_s <= capture.decoded_at_s
        assert capture.clock == "arrival"
    late_s = sorted(c.decoded_at_s - c.captured_at_s for c in seen.captures)
    assert late_s[len(late_s) // 2] < 0.04


@pytest.mark.alone
def test_a_machine_that_keeps_up_is_not_told_that_it_does_not(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = write_clip(tmp_path / "long.mkv", (0, 40, 1300, 1340))
    seen = play(FileSource(str(path), options()))
    assert seen.captures[-1].decoded_at_s - seen.captures[-1].captured_at_s < 0.5
    assert not caplog.records


@pytest.mark.alone
def test_stop_ends_a_paced_file_at_once(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "slow.mkv", (0, 40, 30_000))
    stop = threading.Event()
    threading.Timer(0.2, stop.set).start()
    begin_s = time.monotonic()
    seen = Recorder()
    FileSource(str(path), options()).run(seen, stop)
    assert time.monotonic() - begin_s < 2.0
    assert len(seen.captures) <= 2


def test_a_rotated_film_is_upright(tmp_path: Path) -> None:
    seen = unpaced(turn_clockwise(write_clip(tmp_path / "phone.mp4")))
    assert seen.captures[0].size_px == (240, 320)
    assert seen.captures[0].convert().shape == (320, 240, 3)


def test_a_file_cut_short_is_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = write_clip(tmp_path / "cut.mp4", range(0, 4000, 40))
    os.truncate(path, path.stat().st_size * 6 // 10)
    with caplog.at_level(logging.WARNING):
        seen = unpaced(path)
    assert 10 < len(seen.captures) < 95
    assert [record.message for record in caplog.records if "is cut short" in record.message]


def test_a_matroska_file_cut_short_is_a_warning_too(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = write_clip(tmp_path / "cut.mkv", range(0, 4000, 40))
    os.truncate(path, path.stat().st_size // 2)
    with caplog.at_level(logging.WARNING):
        assert len(unpaced(path).captures) > 10
    assert [record.message for record in caplog.records if "is cut short" in record.message]


def test_pictures_that_are_all_broken_are_no_video(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "broken.mp4")
    raw = path.read_bytes()
    at = raw.index(b"mdat") + 4
    path.write_bytes(raw[:at] + b"\xff" * (len(raw) - at))
    assert fault(path).problem == "is no video that can be decoded"


def test_a_whole_file_is_no_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    unpaced(write_clip(tmp_path / "whole.mp4", range(0, 4000, 40)))
    assert not caplog.records


def test_what_is_no_video_is_said_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("This is no film.\n" * 100)
    (tmp_path / "noise.mp4").write_bytes(bytes(range(256)) * 64)
    cut = write_clip(tmp_path / "cut.mp4")
    os.truncate(cut, 700)
    cases = {
        tmp_path / "missing.mp4": "there is no such file",
        tmp_path / "empty.mp4": "the file is empty",
        tmp_path / "text.mp4": "is no video that can be decoded",
        tmp_path / "noise.mp4": "is no video that can be decoded",
        cut: "is no video that can be decoded",
        write_sound(tmp_path / "sound.mp4"): "has no video stream",
        tmp_path: "is not a file",
    }
    for path, problem in cases.items():
        assert fault(path).problem == problem, path
        assert "\n" not in str(fault(path))


def test_a_camera_named_as_a_file_is_pointed_out() -> None:
    source = FileSource("/dev/null", options())
    with pytest.raises(SourceError, match="is not a file"):
        play(source)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "private.mp4")
    path.chmod(0)
    assert fault(path).problem == "may not be read"


def test_a_playlist_opens_nothing(tmp_path: Path) -> None:
    secret = write_clip(tmp_path / "secret.mp4")
    concat = tmp_path / "concat.mp4"
    concat.write_text(f"ffconcat version 1.0\nfile {secret.name}\n")
    playlist = tmp_path / "list.mp4"
    playlist.write_text(f"#EXTM3U\n#EXTINF:1,\n{secret.name}\n#EXT-X-ENDLIST\n")
    for path in (concat, playlist):
        assert fault(path).problem == "is no video that can be decoded"


@pytest.mark.parametrize(
    "name", ["concat:a|b", "http:x", "pipe:0", "-", "a%03d.mp4", "with space.mp4"]
)
def test_a_path_is_never_a_protocol(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert fault(name).problem == "there is no such file"
    write_clip(tmp_path / "clip.mp4").rename(tmp_path / name)
    assert len(unpaced(Path(name)).captures) == len(STEADY_MS)
