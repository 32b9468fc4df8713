"""Served against offline."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from stream.config import REPOSITORY
from training.evaluate.clips import parity
from training.evaluate.clips.parity import Parity, check_parity

MODEL = REPOSITORY / "weights" / "detector.json"


def test_what_is_served_is_what_the_network_says(folder: Path) -> None:
    found = check_parity(folder / "real" / "untouched.mp4", MODEL)
    assert found.frames == found.served_frames == 50
    assert found.scores >= 7  # four a second
    assert found.missing == 0
    assert found.largest <= 1e-4
    assert found.holds


def test_another_score_is_noticed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parity, "_probability", lambda *_: 0.5)
    found = check_parity(folder / "real" / "untouched.mp4", MODEL)
    assert not found.holds
    assert "NOT" in str(found)


def test_a_frame_or_a_face_that_is_not_there_breaks_it() -> None:
    good = Parity(10, 10, 5, 0, 0.0005, 0.0001)
    assert good.holds
    assert not replace(good, served_frames=9).holds
    assert not replace(good, missing=1).holds
    assert not replace(good, scores=0).holds
    assert not replace(good, largest=0.002).holds


def test_a_clip_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"nothing")
    with pytest.raises(ValueError, match=r"a\.mp4"):
        check_parity(tmp_path / "a.mp4", MODEL)
