"""Backlog: who goes next, who shares a batch, and that nobody waits for ever."""

from __future__ import annotations

from typing import Any

import pytest

from stream import backlog
from stream.backlog import LIVE_PER_JOB, Backlog, Call, Crops, Urgency, Work
from tests import builders

LIVE, JOB = Urgency.LIVE, Urgency.JOB
NOBODY: Any = None
"""Waits for an answer: the backlog does not ask."""


def call() -> Call:
    return Call(lambda: None, NOBODY)


def crops(count: int = 1) -> Crops:
    return Crops([builders.crop(index) for index in range(count)], NOBODY)


def backlog_of(*live: Work, jobs: tuple[Work, ...] = (), **how: bool | int) -> Backlog:
    made = Backlog(max_batch=int(how.get("max_batch", 16)), batching=bool(how.get("batching", 1)))
    for urgency, works in ((LIVE, live), (JOB, jobs)):
        assert all(made.put(work, urgency) for work in works)
    return made


def drained(made: Backlog) -> list[tuple[Work, ...]]:
    groups = []
    while group := made.take():
        groups.append(group)
    return groups


def test_calls_go_one_by_one_as_they_came() -> None:
    one, two = call(), call()
    assert drained(backlog_of(one, two)) == [(one,), (two,)]


def test_crops_that_wait_share_the_first_ones_batch_past_calls_between_them() -> None:
    one, two, between, last = crops(), crops(), call(), call()
    assert drained(backlog_of(one, between, two, last)) == [(one, two), (between,), (last,)]


def test_a_batch_ends_before_the_first_crops_that_do_not_fit() -> None:
    one, large, small = crops(2), crops(2), crops(1)
    assert drained(backlog_of(one, large, small, max_batch=3)) == [(one,), (large, small)]


def test_crops_of_one_stream_are_never_split() -> None:
    many = crops(5)
    assert drained(backlog_of(many, max_batch=3)) == [(many,)]


def test_without_batching_nobody_shares() -> None:
    one, two = crops(), crops()
    assert drained(backlog_of(one, two, batching=False)) == [(one,), (two,)]


def test_jobs_go_when_nothing_live_waits_and_share_no_batch_with_it() -> None:
    live, job, other = crops(), crops(), call()
    assert drained(backlog_of(live, jobs=(job, other))) == [(live,), (job,), (other,)]


def test_a_job_gets_a_turn_after_so_many_of_live_work() -> None:
    live = [call() for _ in range(2 * LIVE_PER_JOB)]
    jobs = (call(), call(), call())
    order = [group[0] for group in drained(backlog_of(*live, jobs=jobs))]
    assert [order.index(job) for job in jobs] == [
        LIVE_PER_JOB, 2 * LIVE_PER_JOB + 1, 2 * LIVE_PER_JOB + 2,
    ]  # fmt: skip


def test_turns_are_counted_only_while_a_job_waits() -> None:
    made = backlog_of(*[call() for _ in range(LIVE_PER_JOB)])
    drained(made)
    live, job = call(), call()
    made.put(live, LIVE)
    made.put(job, JOB)
    assert drained(made) == [(live,), (job,)]


def test_what_waits_is_counted_by_urgency() -> None:
    made = backlog_of(call(), crops(3), jobs=(call(),))
    assert (len(made), made.waiting(LIVE), made.waiting(JOB)) == (3, 2, 1)
    assert backlog_of().take() == ()


def test_it_takes_no_more_than_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backlog, "MOST_WAITING", 2)
    made = backlog_of(call(), call(), jobs=(call(),))
    assert not made.put(call(), LIVE)
    assert made.put(call(), JOB)
    assert len(made) == 4
