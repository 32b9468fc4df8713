from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from stream.sources.base import Emit
from stream.sources.silence import Silence
from stream.types import Capture
from tests.stream.sources.clips import Recorder

CAPTURE = Capture(0, 0, 0, 0, "arrival", (1, 1), lambda: np.zeros((1, 1, 3), np.uint8))


def test_work_that_ends_is_passed_through() -> None:
    seen = Recorder()

    def work(emit: Emit, stop: threading.Event) -> None:
        emit(CAPTURE)

    assert not Silence(1.0, 1.0).guard(work, seen, threading.Event())
    assert seen.captures == [CAPTURE]


def test_what_it_raises_is_raised_again() -> None:
    def work(emit: Emit, stop: threading.Event) -> None:
        raise LookupError("gone")

    with pytest.raises(LookupError, match="gone"):
        Silence(1.0, 1.0).guard(work, Recorder(), threading.Event())


@pytest.mark.alone
def test_a_silent_thread_is_given_up_and_can_emit_no_more() -> None:
    seen, hang, refused = Recorder(), threading.Event(), threading.Event()

    def work(emit: Emit, stop: threading.Event) -> None:
        emit(CAPTURE)
        hang.wait()
        if stop.is_set() and not emit(CAPTURE):
            refused.set()

    begin_s = time.monotonic()
    assert Silence(60.0, 0.2).guard(work, seen, threading.Event())
    assert time.monotonic() - begin_s < 2.0
    hang.set()
    assert refused.wait(2.0)
    assert len(seen.captures) == 1


@pytest.mark.alone
def test_an_open_that_hangs_is_given_up_after_its_own_time() -> None:
    hang = threading.Event()

    def work(emit: Emit, stop: threading.Event) -> None:
        hang.wait()

    begin_s = time.monotonic()
    assert Silence(0.2, 60.0).guard(work, Recorder(), threading.Event())
    assert time.monotonic() - begin_s < 2.0
    hang.set()


@pytest.mark.alone
def test_stop_ends_it_even_while_the_driver_hangs() -> None:
    hang, stop = threading.Event(), threading.Event()

    def work(emit: Emit, over: threading.Event) -> None:
        hang.wait()

    threading.Timer(0.1, stop.set).start()
    begin_s = time.monotonic()
    assert not Silence(60.0, 60.0).guard(work, Recorder(), stop)
    assert time.monotonic() - begin_s < 1.5
    hang.set()
