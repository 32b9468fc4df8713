"""Report: tables, percentiles, requirements, and JSON that names no host."""

from __future__ import annotations

import json
import platform
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.report import (
    Report,
    Requirement,
    machine,
    markdown_table,
    parser,
    percentiles,
    table,
    versions,
)


@pytest.mark.parametrize(
    ("requirement", "met"),
    [
        (Requirement("share", 0.99, 0.99), True),
        (Requirement("share", 0.98, 0.99), False),
        (Requirement("age", 90, 100, at_least=False), True),
        (Requirement("age", 110, 100, at_least=False), False),
        (Requirement("share", float("nan"), 0.99), False),
        (Requirement("age", float("nan"), 100, at_least=False), False),
    ],
)
def test_a_requirement_is_met_or_not(requirement: Requirement, met: bool) -> None:
    assert requirement.met is met
    assert str(requirement).startswith("met" if met else "FELL SHORT")


def test_a_requirement_says_figure_and_limit() -> None:
    text = str(Requirement("share of faces", 0.9771, 0.99))
    assert text == "FELL SHORT: share of faces is 0.9771, must be at least 0.99"


@pytest.mark.parametrize(("check", "code"), [(True, 1), (False, 0)])
def test_only_a_check_fails(check: bool, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    report = Report("x", requirements=[Requirement("a", 1, 1), Requirement("b", 1, 2)])
    assert report.finish(None, check) == code
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_the_json_is_plain_and_complete(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    report = Report("x", {"rows": (np.float32(1.5), float("inf"), None, "a")})
    assert report.finish(file, True) == 0
    body = json.loads(file.read_text(encoding="utf-8"))
    assert body["figures"] == {"rows": [1.5, None, None, "a"]}
    assert body["benchmark"] == "x"
    assert body["versions"]["numpy"] == np.__version__
    assert body["machine"]["cores"] >= 1


def test_nothing_names_the_host() -> None:
    host = platform.node()
    assert not host or host not in json.dumps([machine(), versions()]) + Report("x").fragment()


def test_what_is_shown_is_printed_and_goes_into_the_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = Report("x", requirements=[Requirement("share", 0.5, 0.4)])
    rows: list[dict[str, Any]] = [{"hop": "sent", "p50": 1.23456}, {"hop": "seen", "p50": None}]
    report.show(rows)
    assert capsys.readouterr().out == table(rows) + "\n\n"
    page = tmp_path / "page.md"
    assert report.finish(None, True, page) == 0
    circumstances, shown, wanted = page.read_text(encoding="utf-8").split("\n\n")
    assert circumstances.startswith("`python -m benchmarks x`, 20")
    assert f"numpy {np.__version__}" in circumstances
    assert shown == "| hop | p50 |\n| --- | --- |\n| sent | 1.235 |\n| seen | - |"
    assert wanted == "- met: share is 0.5, must be at least 0.4\n"
    assert markdown_table([]) == "(nothing)"


def test_percentiles_carry_their_count() -> None:
    assert percentiles([]) == {
        "count": 0, "min": None, "p50": None, "p95": None, "p99": None, "max": None,
    }  # fmt: skip
    cuts = percentiles(list(range(101)))
    assert cuts == {"count": 101, "min": 0, "p50": 50, "p95": 95, "p99": 99, "max": 100}


def test_a_table_is_aligned() -> None:
    rows: list[dict[str, Any]] = [{"hop": "decoded", "p50": 1.23456}, {"hop": "sent", "p50": None}]
    assert table(rows).splitlines() == ["hop        p50", "decoded  1.235", "sent         -"]
    assert table([]) == "(nothing)"


def test_every_benchmark_has_the_common_options() -> None:
    options = parser("x", "y").parse_args(["--engine", "onnxruntime", "--check"])
    assert (options.engine, options.device, options.json, options.check) == (
        "onnxruntime", "cpu", None, True,
    )  # fmt: skip
