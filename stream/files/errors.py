"""What can be wrong with a file that was sent, by what the sender has to do about it.

FileError
├── BadBody          the request is put together wrongly: send it as documented (400)
├── TooSlow          the file did not arrive in time: send it again (408)
├── TooLarge         a limit is exceeded: send less (413)
├── UnknownFormat    no format that is read here: convert it (415)
└── Broken           damaged, or holds no picture: record or copy it again (422)
"""

from __future__ import annotations

from typing import Final

from stream.refusals import Refusal


class FileError(Refusal):
    """Root of what is told to the sender of a file; `status` is HTTP's."""


class BadBody(FileError):
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


BY_STATUS: Final[dict[int, type[FileError]]] = {
    kind.status: kind for kind in (TooLarge, UnknownFormat, Broken)
}
"""Status -> error, for those that a decoding process can tell of."""
