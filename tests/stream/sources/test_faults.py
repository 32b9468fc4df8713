from __future__ import annotations

import traceback

import av.error
import pytest

from stream.errors import SourceError
from stream.sources.faults import closed, open_fault, read_fault

URL = "rtsp://user:hunter2@host/live"


def error(kind: type[Exception], code: int = 1) -> Exception:
    return kind(code, "hunter2 words", URL)


@pytest.mark.parametrize(
    ("kind", "code", "problem", "retryable"),
    [
        (av.error.HTTPUnauthorizedError, 1, "(401)", False),
        (av.error.HTTPForbiddenError, 1, "(403)", False),
        (av.error.HTTPNotFoundError, 1, "(404)", False),
        (av.error.HTTPTooManyRequestsError, 1, "(4xx)", True),
        (av.error.HTTPOtherClientError, 1, "(4xx)", True),
        (av.error.HTTPServerError, 1, "(5xx)", True),
        (av.error.ConnectionRefusedError, 111, "refused", True),
        (av.error.ConnectionResetError, 104, "lost", True),
        (av.error.TimeoutError, 110, "no answer within 10 s", True),
        (av.error.ExitError, 1, "no answer within 10 s", True),
        (av.error.EOFError, 1, "closed the connection", True),
        (av.error.InvalidDataError, 1, "no video", True),
        (av.error.ProtocolNotFoundError, 1, "protocol", False),
        (av.error.DecoderNotFoundError, 1, "codec", False),
        (av.error.OSError, 5, "cannot be reached", True),
        (av.error.OSError, 113, "cannot be reached", True),
        (av.error.OSError, 71, "cannot be opened: *** words", True),
        (av.error.BugError, 1, "cannot be opened", True),
        (ValueError, 1, "cannot be opened", True),
    ],
)
def test_opening_fails_in_words(
    kind: type[Exception], code: int, problem: str, retryable: bool
) -> None:
    fault = open_fault(error(kind, code), URL, waited_s=0.1, options_s=10.0)
    assert problem in fault.problem
    assert fault.retryable is retryable
    assert_no_password(fault)


def test_an_open_that_took_all_its_time_is_a_timeout_whatever_ffmpeg_calls_it() -> None:
    fault = open_fault(error(av.error.InvalidDataError), URL, waited_s=2.0, options_s=2.0)
    assert fault.problem == "no answer within 2 s"
    assert fault.retryable


def test_a_web_page_does_not_become_a_video() -> None:
    for kind in (av.error.InvalidDataError, av.error.ArgumentError):
        fault = open_fault(error(kind), "http://host/page", waited_s=0.1, options_s=10.0)
        assert not fault.retryable


@pytest.mark.parametrize(
    ("kind", "problem"),
    [
        (av.error.ExitError, "nothing came for 2.5 s"),
        (av.error.TimeoutError, "nothing came for 2.5 s"),
        (av.error.ConnectionResetError, "lost"),
        (av.error.InvalidDataError, "lost"),
        (av.error.HTTPNotFoundError, "404"),
        (av.error.OSError, "lost"),
    ],
)
def test_a_source_that_worked_is_always_worth_another_try(
    kind: type[Exception], problem: str
) -> None:
    fault = read_fault(error(kind), URL, 2.5)
    assert problem in fault.problem
    assert fault.retryable
    assert_no_password(fault)


def test_the_end_of_a_camera_is_a_fault() -> None:
    assert closed(URL).problem == "the camera closed the connection"
    assert closed(URL).retryable
    assert_no_password(closed(URL))


def assert_no_password(fault: SourceError) -> None:
    with pytest.raises(SourceError) as caught:
        raise_while_handling(ConnectionError(URL), fault)
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))
    assert "hunter2" not in repr(fault)


def raise_while_handling(cause: Exception, fault: SourceError) -> None:
    try:
        raise cause
    except type(cause):
        raise fault from None
