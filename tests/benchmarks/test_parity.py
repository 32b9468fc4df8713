"""Parity: how two detectors' faces are compared, and what the benchmark says of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import parity
from benchmarks.__main__ import BENCHMARKS, main
from benchmarks.parity import Comparison, Faces
from tests.builders import detection


def faces(*rows: tuple[float, float, float, float], confidence: float = 0.99) -> Faces:
    found = [detection(row) for row in rows]
    return Faces(
        np.array([f.box_px for f in found], np.float32).reshape(-1, 4),
        np.array([f.landmarks_px for f in found], np.float32).reshape(-1, 5, 2),
        np.full(len(found), confidence, np.float32),
    )


ONE = (100.0, 100.0, 200.0, 200.0)
OTHER = (400.0, 100.0, 460.0, 160.0)


def compare(reference: Faces, ours: Faces) -> Comparison:
    result = Comparison()
    result.add(reference, ours, 40)
    return result


def test_equal_faces_match_with_nothing_extra() -> None:
    result = compare(faces(ONE, OTHER), faces(OTHER, ONE))
    assert (result.matched, result.ours, result.extra) == (1.0, 2, 0)
    assert result.ious == pytest.approx([1, 1])
    assert result.errors == [0, 0]


def test_a_missing_face_counts_against_us() -> None:
    result = compare(faces(ONE, OTHER), faces(ONE))
    assert result.matched == 0.5
    assert compare(faces(ONE), faces()).matched == 0.0


def test_a_box_that_fits_badly_is_both_missing_and_extra() -> None:
    result = compare(faces(ONE), faces((100.0, 100.0, 220.0, 200.0)))
    assert (result.matched, result.extra) == (0.0, 1)


def test_a_landmark_far_off_is_no_match() -> None:
    ours = faces(ONE)
    ours.landmarks[0, 4, 0] += 4
    result = compare(faces(ONE), ours)
    assert result.matched == 0.0
    assert result.errors == pytest.approx([0.04])


def test_small_and_unsure_faces_of_the_reference_are_not_demanded_nor_extra() -> None:
    small = (0.0, 0.0, 39.0, 39.0)
    assert compare(faces(small), faces()).ious == []
    assert compare(faces(ONE, confidence=0.8), faces(ONE)).extra == 0
    assert np.isnan(compare(faces(ONE, confidence=0.8), faces()).matched)


def test_faces_where_the_reference_has_none_are_extra() -> None:
    result = compare(faces(), faces(ONE, OTHER))
    assert (result.ours, result.extra) == (2, 2)


@pytest.mark.parametrize("folder", [None, "empty"])
def test_without_photos_it_says_so_in_one_line(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    folder: str | None,
) -> None:
    monkeypatch.setattr(parity, "data_dir", lambda: tmp_path if folder else None)
    assert parity.main([]) == 2
    assert capsys.readouterr().out == parity.NO_DATA + "\n"


@pytest.fixture
def one_photo(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A data folder with one picture."""
    import cv2

    (tmp_path / "photos").mkdir()
    cv2.imwrite(str(tmp_path / "photos" / "one.jpg"), np.zeros((60, 80, 3), np.uint8))
    monkeypatch.setattr(parity, "data_dir", lambda: tmp_path)
    return tmp_path


def test_without_facenet_pytorch_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], one_photo: Path
) -> None:
    monkeypatch.setattr(parity, "_reference", lambda options: None)
    assert parity.main([]) == 2
    assert capsys.readouterr().out == parity.NO_REFERENCE + "\n"


def test_an_engine_that_cannot_run_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], one_photo: Path
) -> None:
    monkeypatch.setattr(parity, "_reference", lambda options: object())
    assert parity.main(["--engine", "abacus"]) == 2
    assert capsys.readouterr().out.startswith("parity: engine 'abacus'")


class FakeReference:
    """Reports one face where the cascade reports `ours`."""

    def __init__(self, box: tuple[float, ...] | None) -> None:
        self.box = box

    def detect(self, pixels: Any, landmarks: bool) -> tuple[Any, Any, Any]:
        if self.box is None:
            return None, [None], None
        face = detection(self.box)
        return np.array([face.box_px]), np.array([0.99]), np.array([face.landmarks_px])


@pytest.mark.parametrize(
    ("theirs", "ours", "code"),
    [(ONE, [ONE], 0), (ONE, [OTHER], 1), (ONE, [], 1), (None, [ONE], 1), (None, [], 1)],
    ids=["equal", "elsewhere", "missed", "extra", "nothing to compare"],
)
def test_check_fails_with_the_figure_that_fell_short(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    one_photo: Path,
    theirs: tuple[float, ...] | None,
    ours: list[tuple[float, float, float, float]],
    code: int,
) -> None:
    class Ours:
        def detect(self, pixels: Any) -> Any:
            return [detection(box) for box in ours]

    monkeypatch.setattr(parity, "_reference", lambda options: FakeReference(theirs))
    monkeypatch.setattr(parity, "_cascade", lambda *_: Ours())
    file = one_photo / "figures.json"
    assert main(["parity", "--check", "--json", str(file)]) == code
    assert parity.main([]) == 0  # without --check the figures are only told
    assert ("FELL SHORT" in capsys.readouterr().out) == bool(code)
    body = json.loads(file.read_text(encoding="utf-8"))
    assert body["figures"]["photos"] == 1
    assert all(r["met"] for r in body["requirements"]) == (code == 0)


def test_an_unknown_name_lists_those_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == main(["nonsense"]) == 2
    assert main(["--help"]) == 0
    assert capsys.readouterr().out.count(", ".join(BENCHMARKS)) == 3


def test_the_photos_of_the_data_folder_meet_the_figures(data_dir: Path) -> None:
    pytest.importorskip("torch", exc_type=ImportError)
    pytest.importorskip("facenet_pytorch", exc_type=ImportError)
    assert parity.main(["--check"]) == 0
