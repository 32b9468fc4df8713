"""What is watched, and how often."""

from __future__ import annotations

from pathlib import Path

import pytest

from training.evaluate.clips.folder import Clip
from training.evaluate.clips.plan import Showing, plan
from training.evaluate.clips.variant import AS_IT_IS, Measured, Variant


@pytest.fixture
def clips(tmp_path: Path) -> list[Clip]:
    found = []
    for name in ("a", "b", "fake-c"):
        path = tmp_path / f"{name}.mp4"
        path.write_bytes(name.encode())
        found.append(Clip(path, name, name.startswith("fake")))
    return found


def planned(clips: list[Clip], hours: float = 0.0, *rates: int, seed: int = 0) -> list[Showing]:
    lengths = {"a": 10.0, "b": 30.0, "fake-c": 5.0}
    measured = {clip: Measured((640, 360), lengths[clip.name]) for clip in clips}
    return plan(measured, hours, rates, seed)


def test_without_hours_each_clip_is_shown_once_as_it_is(clips: list[Clip]) -> None:
    assert [(each.clip.name, each.variant) for each in planned(clips)] == [
        ("a", AS_IT_IS), ("b", AS_IT_IS), ("fake-c", AS_IT_IS),
    ]  # fmt: skip


def test_reals_repeat_in_turn_until_the_hours_are_full(clips: list[Clip]) -> None:
    shown = [each for each in planned(clips, 0.05) if not each.clip.fake]
    seconds = sum({"a": 10, "b": 30}[each.clip.name] for each in shown)
    assert 180 <= seconds < 220
    assert [each.clip.name for each in shown[:6]] == ["a", "b", "a", "b", "a", "b"]
    variants = [each.variant for each in shown]
    assert variants[:2] == [AS_IT_IS, AS_IT_IS]
    assert len(set(variants)) == len(variants) - 1


def test_fakes_are_never_repeated_but_at_the_rates_asked_for(clips: list[Clip]) -> None:
    shown = [each.variant for each in planned(clips, 0.05, 500) if each.clip.fake]
    assert shown == [
        AS_IT_IS, Variant(codec="h264", kbit_s=500), Variant(codec="vp8", kbit_s=500),
    ]  # fmt: skip


def test_more_hours_go_on_where_fewer_ended(clips: list[Clip]) -> None:
    few, many = planned(clips, 0.03), planned(clips, 0.06)
    assert many[: len(few)] == few
    assert planned(clips, 0.03, seed=1)[3:] != few[3:]


def test_a_key_names_file_variant_and_model(clips: list[Clip]) -> None:
    first = planned(clips)[0]
    key = first.key("model")
    assert key == first.key("model")
    assert key != first.key("another")
    assert key != Showing(first.clip, Variant(kbit_s=100)).key("model")
    first.clip.path.write_bytes(b"longer than before")
    assert key != first.key("model")
