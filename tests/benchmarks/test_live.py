"""Live load: ages that grow by themselves, rates, the search, one camera through the program."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from benchmarks.evidence import Evidence, Tally
from benchmarks.live import LiveRun, largest
from benchmarks.rtsp.camera_file import as_camera_sends
from stream.sources.demo import CLIP

TAKEN = "2026-01-31T12:00:04.000Z"
TAKEN_S = 1769860804.0


def message(
    ages_ms: Sequence[float | None], scored: int = 0, frame: int = 7, dropped: int = 2
) -> dict[str, Any]:
    return {
        "frame_seq": frame,
        "captured_at": TAKEN,
        "health": {"dropped": dropped},
        "faces": [
            {"evidence_age_ms": age, "frame_probability_fake": 0.1 if index < scored else None}
            for index, age in enumerate(ages_ms)
        ],
    }


def test_an_age_is_that_of_the_message_plus_the_time_since() -> None:
    evidence = Evidence()
    assert evidence.age_ms(0.0) == math.inf
    evidence.take(message([40.0, 90.0]), 10.0, TAKEN_S)
    assert evidence.age_ms(10.0) == pytest.approx(90)
    assert evidence.age_ms(10.5) == pytest.approx(590)


@pytest.mark.parametrize("ages", [[], [None]], ids=["no face", "not scored"])
def test_an_age_goes_on_growing_when_the_face_is_lost(ages: list[float | None]) -> None:
    evidence = Evidence()
    evidence.take(message([40.0]), 10.0, TAKEN_S)
    evidence.take(message(ages), 11.0, TAKEN_S)
    assert evidence.age_ms(11.0) == pytest.approx(1040)


def test_how_long_a_scored_picture_took_is_told_by_the_readers_own_clock() -> None:
    evidence = Evidence()
    evidence.take(message([40.0], scored=0), 10.0, TAKEN_S + 0.25)
    assert math.isnan(evidence.capture_ms)
    evidence.take(message([40.0], scored=1), 10.0, TAKEN_S + 0.125)
    assert evidence.capture_ms == pytest.approx(125)


def test_a_tally_tells_what_came_in_between() -> None:
    evidence = Evidence()
    evidence.take(message([40.0], scored=1, frame=7, dropped=2), 10.0, TAKEN_S)
    before = Tally.of(evidence)
    for frame in (8, 12):
        evidence.take(message([40.0, None], scored=1, frame=frame, dropped=5), 10.0, TAKEN_S)
    since = Tally.of(evidence).since(before)
    assert since == Tally(messages=2, scored=2, faces=4, dropped=3, frames=5)
    assert since.scores_per_s(2.0) == pytest.approx(0.5)  # a second for each of the two faces


def test_a_stream_without_messages_is_never_scored() -> None:
    assert Tally(0, 0, 0, 0, 0).scores_per_s(5.0) == 0


@pytest.mark.parametrize("first", [1, 12, 40, 200])
@pytest.mark.parametrize("most", [0, 1, 5, 11, 12, 13, 17, 40, 96])
def test_the_largest_number_that_holds_is_found(first: int, most: int) -> None:
    asked: list[int] = []

    def holds(number: int) -> bool:
        asked.append(number)
        return number <= most

    assert largest(holds, first) == most
    assert len(asked) == len(set(asked))


def test_one_camera_is_watched_live(tmp_path: Path) -> None:
    film = as_camera_sends(CLIP, tmp_path / "demo.mp4", seconds=2.0)
    with LiveRun(film, 1, ["--engine", "onnxruntime"]) as run:
        assert run.wait_ready(timeout_s=60) > 0
        span = run.watch(1.0)
        sent = run.stop()
    (tally,) = span.tallies
    assert len(span.ages_ms) == pytest.approx(20 * span.seconds, abs=2)
    assert tally.messages > 0
    assert tally.frames > 0
    assert span.footprint.threads > 1
    assert sent["sent"] > 0
