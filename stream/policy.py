"""Policy: when a stream ends, and which failures are worth another attempt."""

from __future__ import annotations

import random
from dataclasses import dataclass

from stream.backlog import Urgency
from stream.backoff import Backoff
from stream.errors import SourceError


@dataclass(frozen=True, slots=True)
class Policy:
    """When a stream ends.

    `once`: a file ends after its last frame instead of starting anew. `fast`: a file is read as
    fast as its frames are analysed, on its own clock. `patient`: a source that cannot be reached
    is tried for ever; otherwise for `open_timeout_s`. A live source that was there once is healed
    for as long as it takes, unless `once` is set: then `open_timeout_s` counts from its loss.
    `urgency` is its place in the devices' lanes: live streams go before jobs.
    """

    once: bool = False
    fast: bool = False
    patient: bool = True
    open_timeout_s: float = 10.0
    urgency: Urgency = Urgency.LIVE

    def worth_another(self, exc: SourceError, was_there: bool, tried_s: float) -> bool:
        """Whether to try again after `exc`, `tried_s` after the first of these failures.

        `was_there`: a live source that has given pictures before.
        """
        # A camera that was there answers 401 or 404 while it boots: only a first refusal counts.
        if not exc.retryable and not was_there:
            return False
        patient = self.patient or (was_there and not self.once)
        return patient or tried_s < self.open_timeout_s


class Attempts:
    """The failures of one source in a row, and how long to wait after each."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._backoff: Backoff | None = None
        self._since_s = 0.0

    def pause_s(
        self, exc: SourceError, now_s: float, was_there: bool, progressed: bool
    ) -> float | None:
        """How long to wait after `exc`; None to give up.

        `was_there`: a live source that has given pictures before; `progressed`: it gave some since
        the last failure, so that the count begins anew.
        """
        if self._backoff is None or progressed:
            self._backoff, self._since_s = Backoff(now_s, random.Random()), now_s
        if not self._policy.worth_another(exc, was_there, now_s - self._since_s):
            return None
        return self._backoff.pause_s(now_s)
