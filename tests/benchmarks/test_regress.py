"""Regress: which figures move by more than noise, and whether that is for the better."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.regress import Figure, direction, figures, main, move, rank_interval
from benchmarks.report import Report, Requirement, percentiles


def estimate(value: float, half: float) -> dict[str, Any]:
    return {"value": value, "low": value - half, "high": value + half, "count": 9}


def write(path: Path, found: dict[str, Any], name: str = "peers", met: bool = True) -> str:
    report = Report(name, found, [Requirement("recall", 0.99 if met else 0.9, 0.98)])
    report.finish(path, check=False)
    return str(path)


def test_figures_are_found_by_path_and_series_and_texts_are_not() -> None:
    body = {
        "a": {"cpu_ms": estimate(5, 1), "size": "720p", "holds": True, "count": 3},
        "age_ms": percentiles([float(value) for value in range(101)]),
        "memory_mb": [1.0, 2.0],
        "start_s": 2.5,
        "nothing": percentiles([]),
    }
    found = dict(figures(body))
    assert set(found) == {"a.cpu_ms", "age_ms.p50", "age_ms.p95", "age_ms.p99", "start_s"}
    assert found["a.cpu_ms"] == Figure(5, 4, 6)
    assert found["start_s"] == Figure(2.5, 2.5, 2.5)


def test_a_percentile_of_more_samples_is_surer() -> None:
    few = rank_interval(percentiles([float(value) for value in range(101)]), "p50")
    many = rank_interval(percentiles([value / 100 for value in range(10_001)]), "p50")
    assert few.low < many.low < 50 < many.high < few.high
    assert many.high - many.low == pytest.approx(2, abs=0.5)


@pytest.mark.parametrize(
    ("old", "new", "verdict"),
    [
        (Figure(10, 9, 11), Figure(13, 12, 14), "worse"),
        (Figure(10, 9, 11), Figure(7, 6, 8), "better"),
        (Figure(10, 9, 11), Figure(11.5, 10.5, 12.5), None),
        (Figure(10, 9.99, 10.01), Figure(10.2, 10.19, 10.21), None),
        (Figure(10, 10, 10), Figure(11.5, 11.5, 11.5), None),
        (Figure(10, 10, 10), Figure(12.5, 12.5, 12.5), "worse"),
    ],
    ids=["apart", "apart below", "overlap", "small", "lone and small", "lone and large"],
)
def test_a_figure_moves_by_more_than_its_noise_and_the_tolerance(
    old: Figure, new: Figure, verdict: str | None
) -> None:
    made = move("cpu_ms", old, new, 0.05)
    assert (made and made.verdict) == verdict


@pytest.mark.parametrize(
    ("path", "side"),
    [
        ("clips.stage.cpu_ms.ours", -1),
        ("clips.stage.cpu_ms.naive", 0),
        ("clips.stage.recall.share", 1),
        ("ratios.mtcnn / ours", 0),
        ("levels.12.scores_per_s.p50", 1),
        ("levels.12.dropped_share", -1),
        ("levels.12.cameras_cpu_percent", 0),
        ("slope_ratio.faces", -1),
        ("cpu_ratio", 1),
        ("looks", 0),
    ],
)
def test_the_name_says_what_is_better(path: str, side: int) -> None:
    assert direction(path) == side


@pytest.mark.parametrize(
    ("new", "met", "code"),
    [(5.1, True, 0), (3.0, True, 0), (8.0, True, 1), (5.0, False, 1)],
    ids=["the same", "better", "worse", "a requirement is lost"],
)
def test_check_fails_on_what_became_worse(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], new: float, met: bool, code: int
) -> None:
    before = write(tmp_path / "old.json", {"cpu_ms": estimate(5, 0.2)})
    after = write(tmp_path / "new.json", {"cpu_ms": estimate(new, 0.2)}, met=met)
    told = tmp_path / "moved.json"
    assert main([before, after, "--check", "--json", str(told)]) == code
    assert main([before, after]) == 0
    body = json.loads(told.read_text(encoding="utf-8"))["figures"]
    assert len(body["moved"]) == (abs(new - 5) > 1)
    assert body["newly_short"] == ([] if met else ["recall"])
    assert "peers: 1 figures compared" in capsys.readouterr().out


def test_another_machine_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = write(tmp_path / "old.json", {"looks": 1})
    body = json.loads(Path(before).read_text(encoding="utf-8"))
    body["machine"]["cpu"] = "another one"
    Path(before).write_text(json.dumps(body), encoding="utf-8")
    assert main([before, write(tmp_path / "new.json", {"looks": 1})]) == 0
    assert "\nAnother machine: {" in capsys.readouterr().out


def test_what_cannot_be_compared_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    peers = write(tmp_path / "a.json", {})
    other = write(tmp_path / "b.json", {}, name="streams")
    broken = tmp_path / "c.json"
    broken.write_text("[]", encoding="utf-8")
    capsys.readouterr()
    assert main([peers, other]) == main([peers, str(broken)]) == main([peers, "gone.json"]) == 2
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert lines[0] == "regress: peers cannot be compared with streams"
