"""What a caller is told when it does not get what it asked for, by what it has to do about it.

Refusal
├── BadOffer      what it sent is broken, or lacks what is needed: mend the client
├── Unsupported   what it sent is whole, but cannot be taken: send something else
├── Taken         what it wants belongs to somebody else, or has another state: see what is there
├── Unknown       there is nothing of that name
└── Full          there is no room now: come back after `retry_after_s`

Who were refused together are told different times, or they would all come back together.
"""

from __future__ import annotations

import random

from stream.errors import StreamError


class Refusal(StreamError):
    """A request is not granted; the text says why and what to do."""

    status = 400


class BadOffer(Refusal):
    """It cannot be read, or lacks what a connection needs."""


class Unsupported(Refusal):
    """It asks for what is not to be had here."""

    status = 422


class Taken(Refusal):
    """The id is somebody's already, or the stream's state does not allow it."""

    status = 409


class Unknown(Refusal):
    """There is nothing of that name."""

    status = 404


class Full(Refusal):
    """There is no room at the moment. `retry_after_s` lies between `soonest_s` and twice that."""

    status = 503

    def __init__(self, problem: str, soonest_s: int) -> None:
        super().__init__(problem, soonest_s)
        self.problem = problem
        self.retry_after_s = random.randint(soonest_s, 2 * soonest_s)

    def __str__(self) -> str:
        return f"{self.problem}: try again in {self.retry_after_s} s"
