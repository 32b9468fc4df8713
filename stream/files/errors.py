"""What can be wrong with a file that was sent, by what the sender has to do about it.

FileError
├── BadRequest       the request is put together wrongly: send it as documented (400)
├── TooSlow          the file did not arrive in time: send it again (408)
├── TooLarge         a limit is exceeded: send less (413)
├── UnknownFormat    no format that is read here: convert it (415)
├── Broken           damaged, or holds no picture: record or copy it again (422)
└── Busy             too many at once: come back later (503)
"""

from __future__ import annotations

from typing import ClassVar


class FileError(Exception):
    """Root of what is told to the sender of a file; `status` is HTTP's."""

    status: ClassVar[int] = 500

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem

    def __str__(self) -> str:
        return self.problem


class BadRequest(FileError):
    """The request is put together wrongly."""

    status = 400


class TooSlow(FileError):
    """The file did not arrive in time."""

    status = 408


class TooLarge(FileError):
    """A limit is exceeded."""

    status = 413


class UnknownFormat(FileError):
    """The file is of no format that is read here."""

    status = 415


class Broken(FileError):
    """The file is damaged, or holds no picture."""

    status = 422


class Busy(FileError):
    """There is no room now; there may be in `retry_after_s`."""

    status = 503

    def __init__(self, problem: str, retry_after_s: int = 5) -> None:
        super().__init__(problem)
        self.retry_after_s = retry_after_s


BY_STATUS: dict[int, type[FileError]] = {
    kind.status: kind for kind in (BadRequest, TooSlow, TooLarge, UnknownFormat, Broken)
}
"""Status -> error, for those that a decoding process can tell of."""
