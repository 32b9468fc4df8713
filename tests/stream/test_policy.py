"""Policy: which failures are worth another attempt, and how long to wait."""

from __future__ import annotations

import pytest

from stream.errors import SourceError
from stream.policy import Attempts, Policy


def refused(*, retryable: bool = True) -> SourceError:
    return SourceError("rtsp://cam", "refused", "check it", retryable=retryable)


@pytest.mark.parametrize(
    ("policy", "retryable", "was_there", "tried_s", "again"),
    [
        (Policy(), True, False, 1e6, True),
        (Policy(), False, False, 0.0, False),
        (Policy(), False, True, 0.0, True),
        (Policy(patient=False), True, False, 9.0, True),
        (Policy(patient=False), True, False, 11.0, False),
        (Policy(patient=False), True, True, 1e6, True),
        (Policy(patient=False, once=True), True, True, 11.0, False),
    ],
)
def test_what_is_worth_another_attempt(
    policy: Policy, retryable: bool, was_there: bool, tried_s: float, again: bool
) -> None:
    assert policy.worth_another(refused(retryable=retryable), was_there, tried_s) is again


def test_attempts_are_given_up_after_the_open_timeout() -> None:
    attempts = Attempts(Policy(patient=False))
    pauses = [attempts.pause_s(refused(), at_s, False, False) for at_s in (100.0, 109.0, 111.0)]
    assert [pause is not None for pause in pauses] == [True, True, False]


def test_a_source_that_gave_pictures_meanwhile_is_tried_from_the_start() -> None:
    attempts = Attempts(Policy())
    late = [attempts.pause_s(refused(), at_s, False, False) for at_s in (0.0, 60.0, 120.0, 180.0)]
    assert (late[-1] or 0) > 0.5
    again = attempts.pause_s(refused(), 240.0, True, True)
    assert again is not None
    assert again <= 0.5
