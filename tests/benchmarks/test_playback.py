"""Playback: when the CPU is read, and what a run of the program gives."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from benchmarks import playback
from benchmarks.playback import CHUNK_FRAMES, WARM_UP_FRAMES, Meter, count_scored, play
from benchmarks.program import ProgramEnded, Watched
from benchmarks.rtc.program import quiet_clip


class Spender:
    """Has used a second more at each look."""

    def __init__(self) -> None:
        self.used: Iterator[int] = iter(range(100))

    def cpu_s(self) -> float:
        return float(next(self.used))


@pytest.mark.parametrize("sources", [1, 3])
def test_chunks_begin_after_the_warm_up_and_an_unfinished_one_does_not_count(sources: int) -> None:
    meter = Meter(cast(Watched, Spender()), sources)
    for _ in range(sources * (WARM_UP_FRAMES + 3 * CHUNK_FRAMES) - 1):
        meter.line()
    assert meter.chunks_ms == [1000 / CHUNK_FRAMES / sources] * 2
    assert meter.frames_per_s > 0


def test_a_run_shorter_than_the_warm_up_tells_no_cost() -> None:
    meter = Meter(cast(Watched, Spender()))
    for _ in range(WARM_UP_FRAMES - 1):
        meter.line()
    assert (meter.lines, meter.chunks_ms, meter.frames_per_s) == (WARM_UP_FRAMES - 1, [], 0.0)


def test_scored_faces_are_those_with_a_probability_of_this_frame() -> None:
    faces = [{"frame_probability_fake": value} for value in (None, 0.0, 0.7)]
    assert count_scored(faces) == 2


def test_the_program_gives_a_line_for_each_frame(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(playback, "WARM_UP_FRAMES", 2)
    film = quiet_clip(tmp_path_factory.mktemp("film") / "quiet.mp4")
    played = play([film], ["--engine", "onnxruntime"])
    assert (played.frames, played.lines) == (30, 30)
    assert len(played.chunks_ms) == 1
    assert played.boxes == {number: [] for number in range(30)}
    assert (played.scored, played.face_frames) == (0, 0)


def test_a_program_that_cannot_run_says_why() -> None:
    with pytest.raises(ProgramEnded, match=r"ended with 3: .*missing\.mp4"):
        play([Path("missing.mp4")], [])
