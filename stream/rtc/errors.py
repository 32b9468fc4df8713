"""What a peer is told when it is not taken in, by what it has to do about it.

Refusal
├── BadOffer      the offer is no SDP, or lacks what a connection needs: mend the client
├── Unsupported   the offer is whole, but nothing in it can be taken: send something else
├── Taken         the stream's id belongs to somebody else: choose another
├── Unknown       there is no such stream or peer
└── Full          there is no room now: come back after `retry_after_s`
"""

from __future__ import annotations

from stream.errors import StreamError


class Refusal(StreamError):
    """A peer is not taken in; the text says why and what to do."""

    status = 400


class BadOffer(Refusal):
    """It cannot be read, or lacks what a connection needs."""


class Unsupported(Refusal):
    """It asks for what is not to be had here."""

    status = 422


class Taken(Refusal):
    """The id is somebody's already."""

    status = 409


class Unknown(Refusal):
    """There is nothing of that name."""

    status = 404


class Full(Refusal):
    """There is no room at the moment."""

    status = 503

    def __init__(self, problem: str, retry_after_s: int) -> None:
        super().__init__(problem, retry_after_s)
        self.problem = problem
        self.retry_after_s = retry_after_s

    def __str__(self) -> str:
        return f"{self.problem}: try again in {self.retry_after_s} s"
