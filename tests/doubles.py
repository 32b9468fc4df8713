"""Stand-ins for the parts that a test does not mean: a finder, an engine, a source, a clock."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engines.base import Outputs
from engines.spec import ModelSpec
from stream.analyzer import Analyzer
from stream.clock import Clock, MonotonicClock
from stream.faces.finder import Detector
from stream.messages import OverlayMessage
from stream.metrics import Metrics
from stream.policy import Policy
from stream.preview import Preview
from stream.scheduler import Scheduler
from stream.scoring.options import ScoringOptions
from stream.session import Session
from stream.sources.base import Emit
from stream.types import FaceTrack, Identity, Pixels
from tests import builders

DEADLINE_S = 10.0
"""How long a test waits for something that should happen at once, on a busy machine."""

Act = Callable[[Emit, threading.Event], None]
"""What one attempt at a source does: the body of `Source.run`."""


async def eventually(condition: Callable[[], object], what: str = "") -> None:
    """Wait until `condition` holds; fail after `DEADLINE_S`."""
    async with asyncio.timeout(DEADLINE_S):
        while not condition():  # noqa: ASYNC110  conditions here have no event to wait for
            await asyncio.sleep(0.005)
    assert condition(), what


class SteeredClock:
    """A clock that a test sets; unlike ManualClock it is not taken for a file's own time."""

    def __init__(self, now_s: float = 1000.0) -> None:
        self.at_s = now_s

    def now_s(self) -> float:
        return self.at_s

    def wall_s(self, at_s: float) -> float:
        return at_s


class ScriptedFinder:
    """Gives the tracks that it was told to give; the last ones for ever."""

    def __init__(self, *script: Iterable[FaceTrack]) -> None:
        self._script = deque(tuple(tracks) for tracks in script)
        self.resets = 0
        self.fails: list[Exception] = []
        self.looks = True
        self.asked: list[tuple[float, bool]] = []
        self.held: list[bool] = []

    def due(
        self,
        media_time_s: float,
        thumbnail: Pixels | None,
        *,
        busy: bool = False,
        hold: bool = False,
    ) -> bool:
        self.asked.append((media_time_s, busy))
        self.held.append(hold)
        return self.looks

    def predict(self, media_time_s: float) -> tuple[FaceTrack, ...]:
        return self._script[0]

    def update(
        self, pixels: Pixels, media_time_s: float, *, hold: bool = False
    ) -> tuple[FaceTrack, ...]:
        self.held.append(hold)
        if self.fails:
            raise self.fails.pop(0)
        return self._script.popleft() if len(self._script) > 1 else self._script[0]

    def show(self, tracks: Iterable[FaceTrack]) -> None:
        """Give these from now on."""
        self._script = deque([tuple(tracks)])

    def reset(self) -> None:
        self.resets += 1


class ScriptedEngine:
    """A detector whose logit is the first pixel of a crop less 128; `fails` are raised in turn.

    While `gate` is clear, `infer` stands still; `entered` says that it is inside.
    """

    provider = "Scripted"

    def __init__(self) -> None:
        self.device = "cpu"
        self.spec: ModelSpec = builders.detector_spec()
        self.batches: list[int] = []
        self.threads: set[str] = set()
        self.fails: list[Exception] = []
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()
        self.closed = 0

    def infer(self, batch: NDArray[Any]) -> Outputs:
        self.batches.append(len(batch))
        self.threads.add(threading.current_thread().name)
        self.entered.set()
        assert self.gate.wait(DEADLINE_S), "nobody opened the gate"
        if self.fails:
            raise self.fails.pop(0)
        logits = batch[:, 0, 0, 0].astype(np.float32) - 128
        return {"logit": logits, "heatmap": np.full((len(batch), 14, 14), 0.5, np.float32)}

    def close(self) -> None:
        self.closed += 1

    def __enter__(self) -> ScriptedEngine:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


class NoFaces:
    """A cascade that finds nobody."""

    def detect(self, pixels: Any) -> list[Any]:
        return []

    def refine(self, pixels: Any, boxes: Any) -> list[Any]:
        return [None] * len(boxes)


class ScriptedNetworks:
    """One device's networks: a scripted detector, and nobody in any picture."""

    engine_name = "onnxruntime"

    def __init__(self, detector: ScriptedEngine | None = None) -> None:
        self.detector = detector or ScriptedEngine()

    @property
    def engines(self) -> tuple[ScriptedEngine, ...]:
        return (self.detector,)

    def cascade(self, options: Any, pause: Any) -> Detector:
        return NoFaces()

    def close(self) -> None:
        self.detector.close()


class ScriptedSource:
    """One attempt: `run` does what its act says."""

    def __init__(self, act: Act, *, live: bool) -> None:
        self._act = act
        self.live = live
        self.decoder = "scripted"

    def run(self, emit: Emit, stop: threading.Event) -> None:
        self._act(emit, stop)


class Script:
    """Opens a source for each attempt: the acts in turn, the last one for ever."""

    def __init__(self, *acts: Act, live: bool = False) -> None:
        self._acts = deque(acts)
        self._live = live
        self.attempts = 0

    def __call__(self) -> ScriptedSource:
        self.attempts += 1
        act = self._acts.popleft() if len(self._acts) > 1 else self._acts[0]
        return ScriptedSource(act, live=self._live)


def plays(*media_times_s: float, clock: Clock | None = None, **how: Any) -> Act:
    """Emit a picture at each media time, then end."""

    def act(emit: Emit, stop: threading.Event) -> None:
        for media_time_s in media_times_s:
            now_s = (clock or MonotonicClock()).now_s()
            if not emit(builders.capture(media_time_s, captured_at_s=now_s, **how)):
                return

    return act


def plays_on(interval_s: float = 0.01, *, media_step_s: float | None = None, **how: Any) -> Act:
    """Emit pictures until stopped, as a camera would; media time may pass faster than time."""

    def act(emit: Emit, stop: threading.Event) -> None:
        media_time_s = 0.0
        while emit(builders.capture(media_time_s, captured_at_s=MonotonicClock().now_s(), **how)):
            if stop.wait(interval_s):
                return
            media_time_s += interval_s if media_step_s is None else media_step_s

    return act


def fails_with(error: BaseException, after: Act | None = None) -> Act:
    """Do `after`, then raise `error`."""

    def act(emit: Emit, stop: threading.Event) -> None:
        if after:
            after(emit, stop)
        raise error

    return act


def silent(emit: Emit, stop: threading.Event) -> None:
    """Say nothing until stopped: a camera that froze."""
    stop.wait(DEADLINE_S)


def wait_for_either(one: threading.Event, other: threading.Event) -> None:
    """Wait until one of both is set, or the deadline."""
    deadline_s = MonotonicClock().now_s() + DEADLINE_S
    while not one.wait(0.01) and not other.is_set():
        assert MonotonicClock().now_s() < deadline_s


def pauses(*acts: Act, until: threading.Event) -> Act:
    """Do the acts, waiting for `until` between them."""

    def act(emit: Emit, stop: threading.Event) -> None:
        for index, one in enumerate(acts):
            if index:
                wait_for_either(until, stop)
            one(emit, stop)

    return act


class ListSink:
    """Keeps what it is given."""

    def __init__(self) -> None:
        self.messages: list[OverlayMessage] = []
        self.closed_with: list[Any] = []

    async def consume(self, messages: AsyncIterator[OverlayMessage]) -> None:
        async for message in messages:
            self.messages.append(message)

    async def close(self, summary: Any) -> None:
        self.closed_with.append(summary)


@dataclass
class Rig:
    """A real session over scripted parts."""

    session: Session
    scheduler: Scheduler
    engine: ScriptedEngine
    finder: ScriptedFinder
    metrics: Metrics
    sink: ListSink = field(default_factory=ListSink)

    async def run(self) -> list[OverlayMessage]:
        """Run to the end, within the deadline; give the messages."""
        async with asyncio.timeout(DEADLINE_S):
            await self.session.run([self.sink])
        return self.sink.messages

    @asynccontextmanager
    async def running(self) -> AsyncIterator[list[OverlayMessage]]:
        """Run meanwhile; stop at the end. Gives the messages, which grow."""
        task = asyncio.create_task(self.session.run([self.sink]))
        try:
            yield self.sink.messages
        finally:
            self.session.stop()
            async with asyncio.timeout(DEADLINE_S):
                await task

    def total(self, name: str) -> float:
        """A counter of the stream."""
        value = self.metrics.registry.get_sample_value(
            f"deepfakestream_{name}_total", {"stream": self.session.identity.stream_id}
        )
        assert value is not None, name
        return value


@asynccontextmanager
async def rig(
    script: Script,
    policy: Policy | None = None,
    *,
    clock: Clock | None = None,
    stream_id: str = "door",
    preview_width_px: int = 960,
    options: ScoringOptions | None = None,
    metrics: Metrics | None = None,
    spec: ModelSpec | None = None,
) -> AsyncIterator[Rig]:
    """A session over `script`, one face in every picture."""
    engine, finder = ScriptedEngine(), ScriptedFinder([builders.track()])
    engine.spec = spec or engine.spec
    metrics = metrics or Metrics()
    with ThreadPoolExecutor(1, thread_name_prefix="preview") as encoder:
        async with Scheduler(ScriptedNetworks(engine)) as scheduler:
            session = Session(
                Identity(stream_id, "scripted", "onnxruntime", "cpu"),
                script,
                Analyzer(finder, engine.spec, options or ScoringOptions()),
                scheduler,
                Preview(encoder, preview_width_px, 30.0, 80),
                metrics.stream(stream_id),
                clock or MonotonicClock(),
                policy or Policy(),
            )
            yield Rig(session, scheduler, engine, finder, metrics)
