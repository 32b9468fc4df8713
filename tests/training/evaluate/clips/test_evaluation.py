"""Clips through the program itself."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from engines.errors import ModelMismatch
from engines.spec import AlarmModel, Calibration, ModelSpec
from stream.config import REPOSITORY
from training.evaluate.clips import variant
from training.evaluate.clips.evaluation import Wanted, evaluate_clips
from training.evaluate.clips.journal import Journal
from training.evaluate.clips.live import Pipeline, pipeline
from training.evaluate.clips.watched import Watched

WEIGHTS = REPOSITORY / "weights"


@pytest.fixture(scope="module")
def trigger_happy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped weights with a calibration by which every crop speaks for fake."""
    place = tmp_path_factory.mktemp("weights")
    spec = ModelSpec.load(WEIGHTS / "detector.json")
    alarm = AlarmModel(3.0, 0.25, 0.0, 3.0, 0.1, 1.0)
    changed = replace(spec, calibration=Calibration(1.0, 100.0), alarm=alarm)
    changed.save(place / "detector.json")
    shutil.copy(WEIGHTS / spec.file, place)
    return place / "detector.json"


def test_a_folder_is_watched_and_what_is_done_is_not_done_again(
    folder: Path, tmp_path: Path, trigger_happy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clips = tmp_path / "clips"
    shutil.copytree(folder, clips)
    (clips / "real" / "broken.mp4").write_bytes(b"nothing")
    # Of a line on which a verdict is possible.
    monkeypatch.setattr(variant, "KBIT_S", (1500.0, 2000.0))
    told: list[tuple[float, float]] = []
    journal = tmp_path / "journal.jsonl"
    wanted = Wanted(hours=3 / 3600, kbit_s=(800,))
    found = evaluate_clips(
        clips, trigger_happy, Journal(journal), wanted, lambda *done: told.append(done)
    )
    assert list(found.skipped) == ["real/broken"]
    assert found.real_showings == 2
    assert found.tracks.count == 2
    assert found.tracks.hours == pytest.approx(2 * 1.96 / 3600)
    assert [each.variant[:3] for each in found.detections] == ["as ", "h26", "vp8"]
    assert all(each.after_s is not None and each.after_s < 2 for each in found.detections)
    assert told[0][0] == 0
    assert told[-1][0] == told[-1][1] == pytest.approx(2 * 2 + 3 * 4, abs=0.2)

    def refuse(_: Pipeline, clips: Sequence[Path]) -> list[Watched | str]:
        raise AssertionError(f"watched again: {clips}")

    monkeypatch.setattr(Pipeline, "watch", refuse)
    again = evaluate_clips(clips, trigger_happy, Journal(journal), wanted, lambda *_: None)
    assert again == found


def test_the_reported_switch_is_where_the_demo_has_it(folder: Path, tmp_path: Path) -> None:
    """A sum of one independent crop is enough: the threshold is not what is tested."""
    spec = ModelSpec.load(WEIGHTS / "detector.json")
    alarm = AlarmModel(2.0, 0.5, 0.0, 2.0, 0.0, 1.0)
    replace(spec, alarm=alarm).save(tmp_path / "detector.json")
    shutil.copy(WEIGHTS / spec.file, tmp_path)
    with pipeline(tmp_path / "detector.json") as program:
        (watched,) = program.watch([folder / "fake" / "switched.mp4"])
    assert isinstance(watched, Watched)
    (alarm_of_it,) = watched.alarms
    assert alarm_of_it.since_s == pytest.approx(1.0, abs=0.5)
    assert 1.0 < alarm_of_it.at_s < 3.5


def test_a_clip_that_the_program_cannot_read_has_a_reason(folder: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"nothing")
    with pipeline(WEIGHTS / "detector.json") as program:
        (alone,) = program.watch([broken])
        beside, good = program.watch([broken, folder / "real" / "untouched.mp4"])
    assert isinstance(alone, str)
    assert "broken.mp4" in alone
    assert isinstance(beside, str)
    assert isinstance(good, Watched)
    assert good.frames == 50


def test_without_the_models_file_nothing_is_run(tmp_path: Path) -> None:
    shutil.copy(WEIGHTS / "detector.json", tmp_path)
    with pytest.raises(ModelMismatch), pipeline(tmp_path / "detector.json"):
        pass


@pytest.mark.parametrize(("hours", "rates"), [(-1.0, ()), (0.0, (0,))])
def test_hours_and_bitrates_must_make_sense(hours: float, rates: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="negative"):
        Wanted(hours, rates)
