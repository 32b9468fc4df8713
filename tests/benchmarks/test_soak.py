"""Streams and soak: what is made of the spans, and how a soak ends."""

from __future__ import annotations

import json
import math
import signal
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import av
import pytest

from benchmarks import soak, streams
from benchmarks.evidence import Tally
from benchmarks.live import Span
from benchmarks.program import Footprint, ProgramEnded
from benchmarks.soak import Reading, growth, reading_of
from benchmarks.streams import Decoding, Level
from stream.sources.demo import CLIP


def span(
    ages_ms: Sequence[float] = (100.0,) * 100, scored: int = 40, seconds: float = 10.0
) -> Span:
    tallies = (Tally(300, 40, 300, 6, 300), Tally(300, scored, 300, 0, 300))
    held = Footprint(99.0, 250.0, 30, 40)
    return Span(seconds, tuple(ages_ms), (80.0, math.nan), tallies, 12.0, 0.5, 0.1, held)


@pytest.mark.parametrize(
    ("measured", "holds"),
    [
        (span(), True),
        (span(ages_ms=[100.0] * 98 + [600.0] * 2), False),
        (span(ages_ms=[100.0] * 199 + [math.inf]), True),
        (span(ages_ms=[100.0] * 90 + [math.inf] * 10), False),
        (span(scored=29), False),
    ],
    ids=["young and often", "too old", "one outlier", "no evidence at all", "too rarely"],
)
def test_a_level_holds_when_evidence_is_young_and_every_face_is_scored(
    measured: Span, holds: bool
) -> None:
    level = Level(2, 1.5, measured, {})
    assert level.holds is holds
    assert level.row()["holds"] == ("yes" if holds else "no")


@pytest.mark.parametrize(("most", "code"), [(12, 0), (11, 1)])
def test_the_search_is_held_against_the_cameras_wanted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, most: int, code: int
) -> None:
    def level(film: Path, cameras: int, options: Namespace) -> Level:
        return Level(cameras, 1.0, span(scored=40 if cameras <= most else 0), {"sent": 7})

    monkeypatch.setattr(streams, "load_film", lambda folder: CLIP)
    monkeypatch.setattr(streams, "_level", level)
    file = tmp_path / "figures.json"
    assert streams.main(["--most", "--check", "--json", str(file)]) == code
    figures = json.loads(file.read_text(encoding="utf-8"))["figures"]
    assert figures["most"] == most
    assert figures["levels"]["12"]["cpu_ms_per_frame"] == pytest.approx(20)
    assert figures["levels"]["12"]["dropped_share"] == pytest.approx(0.01)
    assert figures["levels"]["12"]["capture_to_read_ms"]["count"] == 1
    assert figures["decoding"]["fps"] == 25, "the demo clip's"
    assert figures["decoding"]["ms_per_frame"] > 0
    assert streams.main(["--cameras", "12", "--check"]) == code


def test_what_decoding_alone_takes_is_told_in_percent_of_one_core() -> None:
    assert Decoding(2.5, 30.0).row(12)["CPU (%)"] == pytest.approx(90)


def test_streams_that_cannot_run_say_why(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: Any) -> Level:
        raise ProgramEnded("run_stream.py ended with 4")

    monkeypatch.setattr(streams, "load_film", lambda folder: CLIP)
    monkeypatch.setattr(streams, "_level", fail)
    assert streams.main([]) == 2
    assert capsys.readouterr().out == "streams: run_stream.py ended with 4\n"


def test_without_the_data_folder_the_cameras_film_is_composed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(streams, "data_dir", lambda: None)
    monkeypatch.setattr(streams, "COMPOSED_FRAMES", 3)
    with av.open(str(streams.load_film(tmp_path))) as film:
        picture = film.streams.video[0]
        assert (picture.width, picture.height) == (1280, 720)
        assert float(picture.average_rate or 0) == 30


def test_a_reading_tells_the_worst_of_its_span() -> None:
    reading = reading_of(2.5, span(scored=35))
    assert (reading.rss_mb, reading.age_p99_ms, reading.scores_per_s) == (250.0, 100.0, 3.5)
    assert str(reading) == (
        "[  2:30] 250.0 MB, 30 threads, 40 descriptors, age p99 100 ms, 3.5 scores/s, 120 % CPU"
    )


def test_growth_is_between_the_thirds_medians() -> None:
    assert growth([30, 31, 90, 30, 30, 30, 30, 31, 31]) == 0
    assert growth([30, 30, 30, 31, 31, 31, 32, 32, 32]) == 2
    assert math.isnan(growth([1, 2]))


def readings(mb_a_minute: float, minutes: int = 30, threads: int = 0) -> list[Reading]:
    return [
        Reading(at / 6, 250 + mb_a_minute * at / 6, 30 + threads * at, 40, 200.0, 4.0, 120.0)
        for at in range(1, 6 * minutes + 1)
    ]


@pytest.mark.parametrize(
    ("made", "short"),
    [
        (readings(0.05), []),
        (readings(0.2), ["memory growth, MB in 10 minutes"]),
        (readings(0.0, threads=1), ["threads more"]),
        (readings(0.0, minutes=12), ["minutes soaked"]),
        ([], ["minutes soaked", "memory growth, MB in 10 minutes", "threads more",
              "descriptors more"]),
    ],
    ids=["flat", "memory grows", "threads grow", "ended early", "ended at once"],
)  # fmt: skip
def test_a_soak_that_grows_or_ends_early_falls_short(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    made: list[Reading],
    short: list[str],
) -> None:
    def run(film: Path, options: Namespace, readings: list[Reading]) -> None:
        readings += made
        if not made:
            raise KeyboardInterrupt

    monkeypatch.setattr(soak, "load_film", lambda folder: folder)
    monkeypatch.setattr(soak, "_soak", run)
    assert soak.main(["--check"]) == bool(short)
    told = capsys.readouterr().out.splitlines()
    assert [line.split(": ", 1)[1].rsplit(" is ", 1)[0] for line in told
            if line.startswith("FELL SHORT")] == short  # fmt: skip


class Interrupted:
    """A live run whose second reading is cut short by Ctrl+C."""

    stopped = False

    def __init__(self, *_: Any) -> None:
        self.watched = 0

    def __enter__(self) -> Interrupted:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def wait_ready(self) -> float:
        return 1.0

    def watch(self, seconds: float) -> Span:
        self.watched += 1
        if self.watched == 2:
            raise KeyboardInterrupt
        return span(seconds=seconds)

    def stop(self) -> dict[str, Any]:
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        type(self).stopped = True
        return {}


def test_ctrl_c_ends_a_soak_with_what_was_measured(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(soak, "load_film", lambda folder: folder)
    monkeypatch.setattr(soak, "LiveRun", Interrupted)
    assert soak.main(["--check"]) == 1
    assert Interrupted.stopped
    assert "FELL SHORT: minutes soaked is 0.1667, must be at least 30" in capsys.readouterr().out
