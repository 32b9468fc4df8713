"""The journal."""

from __future__ import annotations

from pathlib import Path

from training.evaluate.clips.journal import Journal
from training.evaluate.clips.watched import Alarm, Watched

WATCHED = Watched(5.0, 100, 0.1, {"fake": 2.0}, {}, (Alarm(1, 3.0, None),), 1)


def test_what_was_written_is_found_again(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "journal.jsonl"
    first = Journal(path)
    first.add("k", WATCHED, {"clip": "a"})
    assert first.find("k") == WATCHED
    assert Journal(path).find("k") == WATCHED
    assert Journal(path).find("other") is None


def test_a_line_cut_short_is_overlooked(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    Journal(path).add("k", WATCHED, {})
    path.write_text(path.read_text() + '{"key": "l", "watc')
    reopened = Journal(path)
    assert reopened.find("k") == WATCHED
    assert reopened.find("l") is None
