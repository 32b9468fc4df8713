"""Swaps at known times."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from stream.config import REPOSITORY
from tests.training.evaluate.clips.tiny import write
from training.evaluate.clips.finding import pictures
from training.evaluate.clips.folder import find_clips
from training.evaluate.clips.live import pipeline
from training.evaluate.clips.splice import (
    Splice,
    course,
    first_portrait,
    splices,
    write_splice,
)
from training.evaluate.clips.watched import Alarm, Watched

MODEL = REPOSITORY / "weights" / "detector.json"
SWAPPED = Splice(4.0, 8.0)


def watched(*alarms: Alarm) -> Watched:
    return Watched(12.0, 300, 0.0, {}, {}, alarms, len(alarms))


def test_times_count_from_the_switches() -> None:
    found = course("a", watched(Alarm(1, 6.5, 4.25, until_s=9.0)), SWAPPED)
    assert (found.alarm_after_s, found.reported_off_by_s, found.recovered_after_s) == (2.5, 0.25, 1)
    assert found.early == 0
    assert str(found) == (
        "a: alarm 2.50 s after the switch on, which is reported +0.25 s off; "
        "over 1.00 s after the switch off"
    )


def test_an_alarm_before_the_switch_is_false_and_one_after_it_too_late() -> None:
    found = course("a", watched(Alarm(1, 3.0, 2.0, until_s=3.5), Alarm(1, 8.5, 8.0)), SWAPPED)
    assert found.alarm_after_s is None
    assert found.early == 1
    assert str(found) == "a: no alarm while the swap was on; 1 alarms before the switch"


@pytest.fixture(scope="module")
def spliced(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Splice]:
    clip = folder / "real" / "untouched.mp4"
    donor = first_portrait(folder / "fake" / "switched.mp4")
    assert donor is not None
    target = tmp_path_factory.mktemp("splice") / "spliced.mkv"
    return target, write_splice(clip, donor, target)


def test_only_the_middle_third_is_changed_and_there_only_the_face(
    folder: Path, spliced: tuple[Path, Splice]
) -> None:
    file, splice = spliced
    before = [shown.pixels for shown in pictures(folder / "real" / "untouched.mp4")]
    after = list(pictures(file))
    assert len(after) == len(before) == 50
    changes = []
    for old, new in zip(before, after, strict=True):
        gap = np.abs(old.astype(int) - new.pixels).mean(2)
        assert gap[:20].max() < 40, "far from the face nothing is swapped"
        changes.append((splice.on_s <= new.time_s < splice.off_s, float((gap > 40).mean())))
    swapped = [share for inside, share in changes if inside]
    others = [share for inside, share in changes if not inside]
    assert len(swapped) in {16, 17}
    assert min(swapped) > 5 * max(others)


def test_clips_without_a_face_or_too_short_are_named(folder: Path, tmp_path: Path) -> None:
    place = tmp_path / "clips"
    write(place / "empty.mp4", [np.full((90, 160, 3), 90, np.uint8)] * 3)
    (place / "short.mp4").symlink_to(folder / "real" / "untouched.mp4")
    (place / "twice.mp4").symlink_to(folder / "real" / "untouched.mp4")
    with pipeline(MODEL) as program:
        empty, *short = splices(find_clips(place), program)
    assert "no face" in empty
    assert ["shorter than 9 s" in line for line in short] == [True, True]
