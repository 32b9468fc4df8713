"""Load: the share of the box in use, by whichever runs short first."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from stream.load import SPAN_S, Load, Mark, usable_cores


def share(*marks: Mark, cores: float = 2.0) -> float:
    load = Load(cores)
    for mark in marks:
        load.add(mark)
    return load.share


def test_an_idle_box_has_no_load() -> None:
    assert share() == share(Mark(5.0, (1.0,), 3.0)) == 0.0
    assert share(Mark(0.0, (0.0,), 0.0), Mark(10.0, (0.0,), 0.0)) == 0.0


def test_the_load_is_that_of_the_processors_or_of_the_inference_threads() -> None:
    start = Mark(0.0, (0.0, 0.0), 0.0)
    assert share(start, Mark(10.0, (1.0, 2.0), 16.0)) == pytest.approx(0.8), "processors"
    assert share(start, Mark(10.0, (9.0, 8.0), 4.0)) == pytest.approx(0.85), "two GPUs"


def test_what_was_long_ago_is_forgotten() -> None:
    busy = [Mark(float(t), (float(t),), 0.0) for t in range(20)]
    idle = [Mark(20.0 + t, (19.0,), 0.0) for t in range(20)]
    assert share(*busy) == pytest.approx(1.0)
    assert share(*busy, *idle) == 0.0
    assert share(*busy, *idle[: int(SPAN_S / 3)]) == pytest.approx(0.7, abs=0.1)


@pytest.mark.parametrize(
    ("text", "cores"),
    [("50000 100000", 0.5), ("max 100000", None), ("garbage", None), ("99900000 100000", None)],
)
def test_a_containers_quota_counts(tmp_path: Path, text: str, cores: float | None) -> None:
    quota = tmp_path / "cpu.max"
    quota.write_text(text, encoding="ascii")
    every = len(os.sched_getaffinity(0))
    assert usable_cores(quota) == (every if cores is None else cores)
    assert usable_cores(tmp_path / "none") == every
