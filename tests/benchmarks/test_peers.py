"""Peers: which frames and clips are looked at, and what is told of the costs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from benchmarks import opencv_faces, peers
from benchmarks.peers import Compared, PeerMissing, real_clips
from benchmarks.playback import Played
from benchmarks.recall import Recall
from benchmarks.rtc.program import quiet_clip
from benchmarks.sampling import WARM_UP_LOOKS, sample, spread
from stream.types import Pixels


def test_looks_are_spread_and_never_more_than_there_are_frames() -> None:
    assert spread(100, 4) == [12, 37, 62, 87]
    assert spread(3, 60) == [0, 1, 2]
    assert spread(0, 60) == []


def test_a_peer_looks_at_the_spread_frames_and_its_warm_up_is_left_out(tmp_path: Path) -> None:
    seen: list[Pixels] = []

    def detect(rgb: Pixels) -> tuple[list[list[float]], list[float]]:
        seen.append(rgb)
        return [[1.0, 2.0, 3.0, 4.0]], [0.9]

    result = sample(str(quiet_clip(tmp_path / "a.mp4")), 3, detect, lambda rgb, boxes: None)
    assert result["frames"] == 30
    assert [look["frame"] for look in result["looks"]] == [5, 15, 25]
    assert len(seen) == 3 + WARM_UP_LOOKS
    assert seen[0].shape == (64, 64, 3)
    assert result["looks"][0]["boxes"] == [[1.0, 2.0, 3.0, 4.0]]


def test_real_clips_leave_out_the_fake_one(tmp_path: Path) -> None:
    (tmp_path / "clips").mkdir()
    for name in ("talking-480.mp4", "fake-dfdc.mp4", "stage.mp4", "notes.txt"):
        (tmp_path / "clips" / name).touch()
    assert [clip.stem for clip in real_clips(tmp_path, [""])] == ["stage", "talking-480"]
    assert [clip.stem for clip in real_clips(tmp_path, ["stage"])] == ["stage"]
    assert real_clips(None, [""]) == []


def test_without_clips_it_says_so_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(peers, "data_dir", lambda: tmp_path)
    assert peers.main([]) == 2
    assert capsys.readouterr().out == peers.NO_DATA + "\n"


def test_a_peer_that_fails_gives_its_last_line() -> None:
    with pytest.raises(PeerMissing, match=r"No module named benchmarks\.nobody"):
        peers._peer("benchmarks.nobody")


def compared(naive_ms: float, found: int, lines: int = 100) -> Compared:
    played = Played(100, lines, (5.0, 5.0), 90.0, {}, 12, 90)
    look = {"frame": 0, "boxes": [], "confidences": [], "classify_ms": 30.0}
    naive = {"decode_ms": 2.0, "fps": 30.0, "looks": [look | {"detect_ms": naive_ms - 32}]}
    return Compared("a", "64×64", played, played, naive, None, Recall(100, found, []))


@pytest.mark.parametrize(
    ("one", "short"),
    [
        (compared(300, 98), []),
        (compared(299, 98), ["naive / ours, all clips", "a: naive / ours"]),
        (compared(300, 97), ["a: recall"]),
        (compared(300, 98, lines=99), ["a: messages a decoded frame"]),
    ],
    ids=["all met", "too dear", "overlooks", "leaves frames out"],
)
def test_the_figure_that_falls_short_is_named(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    one: Compared,
    short: list[str],
) -> None:
    monkeypatch.setattr(peers, "real_clips", lambda data, parts: [tmp_path])
    monkeypatch.setattr(peers, "_compare", lambda clip, options: one)
    file = tmp_path / "figures.json"
    assert peers.main(["--check", "--json", str(file)]) == bool(short)
    told = capsys.readouterr().out
    assert [line.split(": ", 1)[1].rsplit(" is ", 1)[0] for line in told.splitlines()
            if line.startswith("FELL SHORT")] == short  # fmt: skip
    clip = json.loads(file.read_text(encoding="utf-8"))["figures"]["clips"]["a"]
    assert clip["cpu_ms"]["opencv"] == "not run"
    assert clip["scores_per_s"] == pytest.approx(4.0)


def test_opencv_without_a_model_is_not_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(opencv_faces, "_haar_file", lambda: None)
    assert opencv_faces._main(["film.mp4", "3"]) == opencv_faces.NO_MODEL
    assert capsys.readouterr().err == opencv_faces.NO_MODEL_TEXT + "\n"


def test_yunets_rows_become_corners_and_confidences(monkeypatch: pytest.MonkeyPatch) -> None:
    class YuNet:
        def setInputSize(self, size: tuple[int, int]) -> None:  # noqa: N802  OpenCV's name
            assert size == (64, 48)

        def detect(self, bgr: Any) -> tuple[int, Any]:
            return 1, np.array([[4, 5, 10, 20, *range(10), 0.9]], np.float32)

    monkeypatch.setattr(cv2.FaceDetectorYN, "create", lambda *_: YuNet())
    named = opencv_faces.detector(Path("yunet.onnx"))
    assert named
    boxes, confidences = named[1](np.zeros((48, 64, 3), np.uint8))
    assert boxes == [[4.0, 5.0, 14.0, 25.0]]
    assert confidences == pytest.approx([0.9])
