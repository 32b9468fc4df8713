"""FFmpeg's errors, put into words: what happened, what to do, and whether waiting may help.

Nothing that FFmpeg writes is repeated unread: its messages carry the address with its password.
"""

from __future__ import annotations

import errno
from typing import Final, NamedTuple

import av.error

from stream.errors import SourceError
from stream.sources.address import mask_secrets, scrub


class _Words(NamedTuple):
    problem: str
    remedy: str
    retryable: bool = True


_UNREACHABLE: Final = _Words(
    "cannot be reached", "check the host's name, the network and, for rtsps or https, its TLS"
)
_CLOSED: Final = _Words("the camera closed the connection", "check that it is still on")
_LOST: Final = _Words("the connection was lost", "check the network and the camera")
_TABLE: Final[tuple[tuple[type[BaseException], _Words], ...]] = (
    (
        av.error.HTTPUnauthorizedError,
        _Words("the user name or password is refused (401)", "correct them in the address", False),
    ),
    (
        av.error.HTTPForbiddenError,
        _Words("access is forbidden (403)", "use an account that may see it", False),
    ),
    (
        av.error.HTTPNotFoundError,
        _Words("the server knows no such stream (404)", "check the path in the address", False),
    ),
    (
        av.error.HTTPServerError,
        _Words("the server reports an error of its own (5xx)", "look at the server"),
    ),
    (
        av.error.HTTPClientError,
        _Words("the server refuses the request (4xx)", "check the address"),
    ),
    (
        av.error.ProtocolNotFoundError,
        _Words(
            "this build of FFmpeg does not speak the protocol", "use another address for it", False
        ),
    ),
    (
        av.error.DecoderNotFoundError,
        _Words(
            "its codec cannot be decoded here", "set the camera to H.264, H.265 or MJPEG", False
        ),
    ),
    (ConnectionRefusedError, _Words("the connection is refused", "check host and port")),
    (ConnectionError, _LOST),
    (av.error.EOFError, _CLOSED),
)


def open_fault(exc: Exception, source: str, waited_s: float, options_s: float) -> SourceError:
    """What to raise when opening `source` failed with `exc` after `waited_s` seconds.

    `options_s` is the time that it was given.
    """
    # An open that runs out of time ends as ExitError or as whatever FFmpeg made of the half answer.
    timed_out = isinstance(exc, TimeoutError) or waited_s >= 0.95 * options_s
    if timed_out or isinstance(exc, av.error.ExitError):
        words = _Words(f"no answer within {options_s:g} s", "check host, port and network")
    else:
        words = _known(exc) or _opening(exc, source)
    return _error(source, words)


def read_fault(exc: Exception, source: str, read_timeout_s: float) -> SourceError:
    """What to raise when reading from `source`, open until now, failed with `exc`."""
    if isinstance(exc, (av.error.ExitError, TimeoutError)):
        words = _Words(f"nothing came for {read_timeout_s:g} s", "check the camera and the network")
    else:
        words = _known(exc) or _LOST
    return _error(source, words._replace(retryable=True))


def closed(source: str) -> SourceError:
    """What to raise when a live source comes to its end."""
    return _error(source, _CLOSED)


def _known(exc: Exception) -> _Words | None:
    return next((words for kind, words in _TABLE if isinstance(exc, kind)), None)


def _opening(exc: Exception, source: str) -> _Words:
    if isinstance(exc, (av.error.InvalidDataError, av.error.ArgumentError)):
        # A web page or a picture stays one; a camera that is still booting does not.
        is_web = source.lower().startswith("http")
        return _Words("what it sends is no video", "check the address", not is_web)
    if isinstance(exc, OSError):
        if exc.errno in {errno.EIO, errno.EHOSTUNREACH, errno.ENETUNREACH, None}:
            return _UNREACHABLE
        return _Words(f"cannot be opened: {scrub(exc.strerror or '', source)}", "check the address")
    name = getattr(exc, "strerror", None) or type(exc).__name__
    return _Words(f"cannot be opened: {scrub(name, source)}", "check the address")


def _error(source: str, words: _Words) -> SourceError:
    # To be raised `from None`: a traceback of FFmpeg's own error shows the password.
    return SourceError(mask_secrets(source), words.problem, words.remedy, retryable=words.retryable)
