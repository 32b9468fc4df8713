"""Scaling and offline: the composed scenes, and what is made of the costs."""

from __future__ import annotations

import json
from pathlib import Path

import av
import numpy as np
import pytest

from benchmarks import offline, scaling
from benchmarks.playback import Played
from benchmarks.program import ProgramEnded
from benchmarks.scaling import FACES, HEIGHTS_PX, STREAMS, Point, Series
from benchmarks.scenes import GREY, MOST_FACES, Scene, film


def test_a_tile_stays_within_its_cell_and_moves() -> None:
    scene = Scene(MOST_FACES)
    corners = np.array([
        [scene.corner(face, time_s) for face in range(MOST_FACES)]
        for time_s in np.arange(0, 20, 0.1)
    ])  # fmt: skip
    cells = np.floor(corners / [320, 360])
    assert (cells == cells[0]).all()
    assert (np.floor((corners + scene.tile_px) / [320, 360]) == cells).all()
    assert len(np.unique(cells[0], axis=0)) == MOST_FACES
    assert (np.ptp(corners, axis=0) > 20).all()


@pytest.mark.parametrize("faces", [0, 1, 8])
def test_a_scene_has_as_many_tiles_as_it_says(faces: int) -> None:
    (pixels,) = Scene(faces).frames(1)
    assert pixels.shape == (720, 1280, 3)
    covered = (pixels != GREY).any(axis=2).mean()
    assert covered == pytest.approx(faces * Scene(faces).tile_px ** 2 / (720 * 1280), rel=0.02)


def test_there_is_no_room_for_nine() -> None:
    with pytest.raises(ValueError, match="room for 8 faces, not 9"):
        Scene(9)


def test_a_film_has_the_scenes_frames_and_size(tmp_path: Path) -> None:
    with av.open(str(film(Scene(1, 180), tmp_path / "a.mp4", 4))) as container:
        frames = list(container.decode(video=0))
    assert [(frame.width, frame.height) for frame in frames] == [(320, 180)] * 4


def series(per_face: float, per_stream: float, seen: float = 1.0) -> dict[str, Series]:
    def point(cost: float) -> Point:
        return Point([], 1, [cost, cost], seen)

    return {
        "faces": {n: point(4 + per_face * n) for n in FACES},
        "height (px)": {height: point(height / 100) for height in HEIGHTS_PX},
        "streams": {n: point(5 + per_stream * n) for n in STREAMS},
    }


@pytest.mark.parametrize(
    ("made", "short"),
    [
        (series(0.5, 0), []),
        (series(20, 0), ["8 faces / 1 face"]),
        (series(0.5, 1), ["slope ratio in streams"]),
        (series(0.5, 0, seen=0.9), ["share of the faces that were boxed, least"]),
    ],
    ids=["all met", "faces are dear", "streams hinder each other", "faces are overlooked"],
)
def test_the_figure_that_falls_short_is_named(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    made: dict[str, Series],
    short: list[str],
) -> None:
    monkeypatch.setattr(scaling, "_points", lambda folder, frames: made)
    monkeypatch.setattr(scaling, "_play", lambda points, options: None)
    file = tmp_path / "figures.json"
    assert scaling.main(["--check", "--json", str(file)]) == bool(short)
    told = capsys.readouterr().out.splitlines()
    assert [line.split(": ", 1)[1].rsplit(" is ", 1)[0] for line in told
            if line.startswith("FELL SHORT")] == short  # fmt: skip
    figures = json.loads(file.read_text(encoding="utf-8"))["figures"]
    assert set(figures["faces"]) == {"1", "2", "4", "6", "8"}


def test_a_points_turns_come_together() -> None:
    point = Point([], 2)
    for cost in (5.0, 7.0):
        point.add(Played(2, 2, (cost,), 90.0, {0: [[0.0] * 4] * 2, 1: [[0.0] * 4]}, 1, 3))
    assert point.chunks_ms == [5.0, 7.0]
    assert point.seen == 0.75


def test_offline_tells_of_each_file(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    clip = film(Scene(0, 90), tmp_path / "empty.mp4", 2)
    played = Played(2, 2, (5.0, 7.0), 90.0, {}, 0, 0)
    monkeypatch.setattr(offline, "play", lambda files, program: played)
    assert offline.main([str(clip), "--check"]) == 0
    head, row = capsys.readouterr().out.split("\n\n")[0].splitlines()
    told = dict(zip(head.split(), row.split(), strict=True))
    assert told["clip"] == "empty"
    assert told["times_real_time"] == "3"
    assert told["cpu_ms_per_frame"] == "6"


def test_offline_without_files_or_a_program_that_runs_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(offline, "data_dir", lambda: tmp_path)
    assert offline.main([]) == 2

    def fail(files: list[Path], program: list[str]) -> Played:
        raise ProgramEnded("run_stream.py ended with 4")

    monkeypatch.setattr(offline, "play", fail)
    assert offline.main(["a.mp4"]) == 2
    assert capsys.readouterr().out.splitlines() == [
        offline.NO_DATA, "offline: run_stream.py ended with 4",
    ]  # fmt: skip
