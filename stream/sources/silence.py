"""Silence: notices that a source says nothing where the read itself cannot be given a timeout."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

from stream.sources.base import Emit
from stream.types import Capture

_LOOK_S: Final = 0.05
_GRACE_S: Final = 0.2


class Silence:
    """Runs blocking work in a thread of its own and gives it up when no picture comes.

    A camera driver that hangs cannot be interrupted. Its thread is a daemon, emits nothing once it
    was given up, and ends when the driver lets it; until then the device stays busy, so no second
    thread can come to hang on it.
    """

    def __init__(self, open_timeout_s: float, read_timeout_s: float) -> None:
        self._open_timeout_s = open_timeout_s
        self._read_timeout_s = read_timeout_s

    def guard(
        self,
        work: Callable[[Emit, threading.Event], None],
        emit: Emit,
        stop: threading.Event,
    ) -> bool:
        """Run `work` to its end or until `stop`; True when it fell silent and was given up.

        Raises: what `work` raises.
        """
        over, ended = threading.Event(), threading.Event()
        handing_on = threading.Lock()
        errors: list[BaseException] = []
        deadline_s = time.monotonic() + self._open_timeout_s

        def pass_on(capture: Capture) -> bool:
            nonlocal deadline_s
            with handing_on:
                if over.is_set() or stop.is_set():
                    return False
                deadline_s = time.monotonic() + self._read_timeout_s
                return emit(capture)

        def thread() -> None:
            try:
                work(pass_on, over)
            except BaseException as exc:  # the thread's edge: raised again by its owner
                errors.append(exc)
            finally:
                ended.set()

        threading.Thread(target=thread, name="camera", daemon=True).start()
        while not ended.wait(_LOOK_S) and not stop.is_set() and time.monotonic() < deadline_s:
            pass
        silent = not ended.is_set() and not stop.is_set()
        with handing_on:
            over.set()
        if stop.is_set():
            ended.wait(_GRACE_S)
        elif errors:
            raise errors[0]
        return silent
