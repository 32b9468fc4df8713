"""Work done ahead: in order, no more than may wait, and given up where nobody takes it."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from functools import partial

import pytest

from training.ahead import done_ahead

PATIENCE_S = 10.0


def test_results_come_in_the_order_of_the_jobs_whoever_is_done_first() -> None:
    second_done = threading.Event()

    def first() -> int:
        assert second_done.wait(PATIENCE_S)
        return 1

    def second() -> int:
        second_done.set()
        return 2

    assert list(done_ahead([first, second], threads=2, most=2)) == [1, 2]


def test_no_more_are_begun_than_may_wait() -> None:
    begun: list[int] = []
    results = done_ahead((partial(begun.append, n) for n in range(9)), threads=2, most=3)
    for taken in range(1, 4):
        next(results)
        assert len(begun) <= taken + 2
    results.close()


def test_an_error_is_raised_in_its_place() -> None:
    def fail() -> int:
        raise ValueError("no picture")

    results = done_ahead([lambda: 1, fail, lambda: 3], threads=1, most=3)
    assert next(results) == 1
    with pytest.raises(ValueError, match="no picture"):
        next(results)


def test_what_nobody_takes_any_more_is_not_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    given_up, really = threading.Event(), Future.cancel
    begun: list[int] = []

    def cancel(future: Future[None]) -> bool:
        done = really(future)
        if done:
            given_up.set()
        return done

    monkeypatch.setattr(Future, "cancel", cancel)

    def held() -> None:
        assert given_up.wait(PATIENCE_S)

    def quick() -> None: ...

    def late() -> None:
        begun.append(1)

    results = done_ahead([quick, held, late], threads=1, most=3)
    next(results)
    results.close()
    assert given_up.is_set()
    assert not begun
