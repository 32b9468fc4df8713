"""Choices that make no sense are refused in a sentence."""

from __future__ import annotations

from typing import Any

import pytest

from training.prepare.settings import Settings


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        ({"margin": 0.5}, "margin"),
        ({"margin": float("nan")}, "margin"),
        ({"per_track": 0}, "one crop"),
        ({"most_px": 8}, "32 px"),
        ({"looks_per_s": 0}, "looks"),
        ({"least_quality": 1.0}, "quality"),
    ],
)
def test_a_choice_out_of_its_range_is_refused(choice: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Settings(**choice)
