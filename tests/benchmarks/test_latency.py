"""Latency: what is asked of a start, and what is said where nothing can be measured."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import latency
from benchmarks.latency import Run
from benchmarks.report import Report


def test_without_the_clip_it_says_so_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(latency, "data_dir", lambda: tmp_path)
    assert latency.main([]) == 2
    assert capsys.readouterr().out == latency.NO_DATA + "\n"


@pytest.mark.parametrize(("starts_s", "met"), [([2.0, 2.5, 9.0], True), ([2.0, 3.1, 3.2], False)])
def test_half_of_the_starts_are_to_be_quick(starts_s: list[float], met: bool) -> None:
    report = Report("latency")
    latency._tell_starts(starts_s, report)
    assert [requirement.met for requirement in report.requirements] == [met]
    assert report.figures["first_score_s"]["count"] == 3


def test_the_first_start_chooses_the_engine_and_is_left_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    taken = iter([30.0, 1.0, 2.0, 3.0])
    monkeypatch.setattr(latency, "_start", lambda clip, program: next(taken))
    assert latency._starts(tmp_path, []) == [1.0, 2.0, 3.0]


@pytest.mark.parametrize(("p95", "met"), [(73.0, True), (74.0, False)])
def test_a_score_may_come_forty_milliseconds_after_the_next_frame(p95: float, met: bool) -> None:
    hops = {"scored": {"p50": 20.0, "p95": p95, "p99": 99.0, "count": 120}}
    run = Run({"frames": 900, "dropped": 0, "latency_ms": hops}, 5.0, None)
    report = Report("latency")
    latency._tell({"file": run}, None, report)
    assert [requirement.met for requirement in report.requirements] == [met]
    assert report.figures["cost"][0]["naive / ours"] is None
