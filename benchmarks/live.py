"""The program under a load of live cameras: three processes, each with its CPU told apart.

The cameras send (`benchmarks.cameras`), the program analyses, and this process reads its JSON lines
in one thread and samples the age of the evidence in another, every 50 ms on its own clock, whatever
the program does meanwhile.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from benchmarks.cameras.rig import CameraRig
from benchmarks.evidence import Evidence, Tally
from benchmarks.program import Footprint, Program, ProgramEnded

SAMPLE_S: Final = 0.05
READY_S: Final = 120.0
LEAVE_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Span:
    """What was seen over some seconds: ages and capture-to-read latencies in milliseconds, a tally
    for each camera, CPU seconds of the three processes, and the program's footprint at its end.
    """

    seconds: float
    ages_ms: tuple[float, ...]
    capture_ms: tuple[float, ...]
    tallies: tuple[Tally, ...]
    cpu_s: float
    cameras_cpu_s: float
    reader_cpu_s: float
    footprint: Footprint


@dataclass(slots=True)
class _Moment:
    at_s: float
    tallies: tuple[Tally, ...]
    cpu_s: float
    cameras_cpu_s: float
    reader_cpu_s: float = field(default_factory=time.process_time)


class LiveRun:
    """`count` cameras playing `film` into the program; a context manager that kills all of it.

    `arguments` go to `run_stream.py`, which is a server too with `serve`. Raises: RuntimeError when
    the cameras do not come up.
    """

    def __init__(
        self, film: Path, count: int, arguments: Sequence[str], *, serve: bool = False
    ) -> None:
        self._stack = ExitStack()
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._ended = False
        self.begin_s = time.monotonic()
        with self._stack:
            self._rig = self._stack.enter_context(CameraRig(film, count))
            command = [*self._rig.urls, *arguments, *(() if serve else ("--no-serve",))]
            self._program = self._stack.enter_context(Program(command))
            self._evidence = {f"camera{number}": Evidence() for number in range(count)}
            self._reader = threading.Thread(target=self._read, daemon=True)
            self._reader.start()
            self._stack = self._stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._stack.close()
        self._reader.join(LEAVE_S)

    def wait_ready(self, timeout_s: float = READY_S) -> float:
        """Wait until each camera's face was scored; give the seconds since the start.

        Raises: ProgramEnded when it ends, or has nothing to say of a camera in time.
        """
        deadline_s = time.monotonic() + timeout_s
        while True:
            with self._lock:
                silent = [key for key, one in self._evidence.items() if not one.scored]
            if not silent:
                return time.monotonic() - self.begin_s
            self._check()
            if time.monotonic() > deadline_s:
                raise ProgramEnded(f"no score of {', '.join(silent)} within {timeout_s:.0f} s")
            time.sleep(SAMPLE_S)

    def watch(self, seconds: float) -> Span:
        """Sample for `seconds`.

        Raises: ProgramEnded when the program ends meanwhile.
        """
        before, ages, captures = self._moment(), list[float](), list[float]()
        tick_s = before.at_s
        while tick_s < before.at_s + seconds:
            tick_s += SAMPLE_S
            time.sleep(max(0.0, tick_s - time.monotonic()))
            self._check()
            with self._lock:
                now_s = time.monotonic()
                ages += [one.age_ms(now_s) for one in self._evidence.values()]
                captures += [one.capture_ms for one in self._evidence.values()]
        return self._span(before, ages, captures)

    def stop(self) -> dict[str, Any]:
        """End the program and then the cameras; gives what these sent."""
        self._over.set()
        self._program.stop()
        self._reader.join(LEAVE_S)
        return self._rig.stop()

    def _span(self, before: _Moment, ages: Sequence[float], captures: Sequence[float]) -> Span:
        after = self._moment()
        return Span(
            after.at_s - before.at_s,
            tuple(ages),
            tuple(captures),
            tuple(b.since(a) for a, b in zip(before.tallies, after.tallies, strict=True)),
            after.cpu_s - before.cpu_s,
            after.cameras_cpu_s - before.cameras_cpu_s,
            after.reader_cpu_s - before.reader_cpu_s,
            self._program.watched.footprint(),
        )

    def _moment(self) -> _Moment:
        with self._lock:
            tallies = tuple(map(Tally.of, self._evidence.values()))
        cameras_s = self._rig.watched.cpu_s()
        return _Moment(time.monotonic(), tallies, self._program.watched.cpu_s(), cameras_s)

    def _check(self) -> None:
        if self._ended:
            raise self._program.ended()

    def _read(self) -> None:
        for line in self._program.lines():
            body = json.loads(line)
            if (evidence := self._evidence.get(body.get("stream_id"))) is not None:
                with self._lock:
                    evidence.take(body, time.monotonic(), time.time())
        self._ended = not self._over.is_set()


def largest(holds: Callable[[int], bool], first: int, limit: int = 96) -> int:
    """The largest number that `holds`, up to `limit`, given that all below it hold too.

    Climbs from `first` by a quarter at a time, then halves what lies between; 0 if none holds.
    """
    good, bad = 0, limit + 1
    at = min(first, limit)
    while bad - good > 1:
        if holds(at):
            good = at
            at = min(good + max(2, good // 4), bad - 1) if bad > limit else (good + bad) // 2
        else:
            bad = at
            at = (good + bad) // 2
    return good
