"""Refusals: when one who finds no room is to come back."""

from __future__ import annotations

from stream.refusals import Full


def test_those_who_are_refused_together_do_not_come_back_together() -> None:
    told = [Full("no room", 10).retry_after_s for _ in range(200)]
    assert min(told) >= 10
    assert max(told) <= 20
    assert len(set(told)) > 5


def test_the_text_says_the_same_as_the_header() -> None:
    refusal = Full("no room", 10)
    assert str(refusal) == f"no room: try again in {refusal.retry_after_s} s"
