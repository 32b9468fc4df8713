"""How numbers are written."""

from __future__ import annotations

import pytest

from training.evaluate.measures.bench import Figure
from training.evaluate.report.document import number, percent, signed, with_interval

NAN = float("nan")


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.5, "50 %"), (0.0123, "1.2 %"), (0.0996, "10 %"), (1, "100 %"), (NAN, "–")],
)
def test_shares_are_percent_with_a_decimal_below_ten(value: float, expected: str) -> None:
    assert percent(value) == expected


def test_figures_bear_their_intervals_where_they_have_one() -> None:
    assert with_interval(Figure(0.9, 0.85, 0.9501)) == "0.900 [0.850, 0.950]"
    assert with_interval(Figure(0.9)) == "0.900"
    assert with_interval(Figure(NAN)) == number(NAN) == "–"


def test_differences_bear_their_signs() -> None:
    assert signed(Figure(0.05, -0.01, 0.11)) == "+0.050 [−0.010, +0.110]"
    assert signed(Figure(NAN)) == "–"
