"""Service: every stream of one process, over the networks of one or several devices."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from types import TracebackType
from typing import Any, Final
from weakref import WeakSet

from pydantic import SecretStr

from engines.spec import ModelSpec
from stream.access import is_loopback
from stream.analyzer import Analyzer
from stream.clock import Clock, ManualClock, MonotonicClock
from stream.config import Config, StreamConfig
from stream.errors import ConfigError, SinkError
from stream.faces.finder import FaceFinder
from stream.faces.options import FacesOptions
from stream.files.examiner import Examiner
from stream.files.jobs import Jobs
from stream.lane import LaneCascade
from stream.metrics import Metrics
from stream.networks import Networks, open_networks
from stream.policy import Policy
from stream.preview import Preview
from stream.refusals import Taken
from stream.scheduler import Scheduler, Urgency
from stream.session import Session
from stream.sinks import open_sink
from stream.sinks.base import Sink
from stream.sources import mask_secrets, open_source
from stream.sources.admission import Admission
from stream.sources.base import Source, SourceOptions
from stream.types import Identity
from stream.upkeep import Upkeep

LOG: Final = logging.getLogger("deepfakestream")


class Service:
    """Builds a session for each configured stream and lives as long as they do.

    Use it as an async context manager round `run`; leaving waits for the inference in flight.
    `ready` is True from the start of `run` until `stop` or its end. `owned` are the sessions that
    are no guests', each with the task that runs it.

    Raises (on making): ConfigError for a source that cannot be what it is asked to be.
    """

    def __init__(self, config: Config, *networks: Networks) -> None:
        self.ready = False
        self.metrics = Metrics()
        self.scoring = config.scoring
        self.detector_spec = networks[0].detector.spec
        self._config = config
        self.scheduler = Scheduler(*networks, batching=not config.run.fast)
        self._analyzers: WeakSet[Analyzer] = WeakSet()
        self._upkeep = Upkeep(
            self.scheduler,
            self.metrics,
            partial(open_networks, config.engine, patient=True),
            self._taken_over,
        )
        self._state_engines()
        self._encoder = ThreadPoolExecutor(1, thread_name_prefix="preview")
        self.examiner = Examiner(
            self._file_session, self.detector_spec, config.files, config.scoring.target_fps
        )
        self.max_streams = config.source.max_streams
        self.admission = Admission(
            config.source.schemes,
            config.source.hosts,
            confined=bool(config.source.hosts) or not is_loopback(config.server.host),
            demo=config.source.allow_demo,
        )
        self.jobs = Jobs(self.examiner, config.files)
        self.sessions = {item.id: self._configured(item) for item in config.streams}
        self.owned: dict[Session, asyncio.Task[None] | None] = dict.fromkeys(self.sessions.values())
        self._sinks: list[Sink] = []
        self._group: asyncio.TaskGroup | None = None
        self._stopping = asyncio.Event()
        self._standing = config.run.serve and not config.run.once and not config.streams

    async def __aenter__(self) -> Service:
        await self.jobs.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.jobs.__aexit__(kind, error, traceback)
        await self.examiner.__aexit__(kind, error, traceback)
        await self.scheduler.__aexit__(kind, error, traceback)
        self._upkeep.succession.close()
        self._encoder.shutdown(wait=False)

    def renew(self) -> None:
        """Open the networks of `engine.weights` anew, beside those that serve; once they have
        passed their tests they take over between two batches. Those that fail never serve.
        """
        self._upkeep.succession.ask()

    async def run(self) -> None:
        """Run every stream until it has ended, or `stop`; then write the summary.

        A fault in one stream ends that stream alone. A service that serves and was made without a
        stream, or whose streams were changed by `add` or `remove`, goes on until `stop`.

        Raises: SourceError when no stream could ever run; SinkError when the output failed.
        """
        target = self._config.run.jsonl
        self._sinks = [open_sink("jsonl", target)] if target else []
        try:
            async with self._upkeep, asyncio.TaskGroup() as group:
                self._group = group
                if self._standing:
                    group.create_task(self._stand())
                for session in self.owned:
                    self._start(session)
                self.ready = not self._stopping.is_set()
        except* SinkError as failed:
            raise next(_leaves(failed)) from None
        finally:
            self.ready, self._group = False, None
        for sink in self._sinks:
            await sink.close(self.summary())
        refused = [session.error for session in self.owned if session.error]
        if refused and len(refused) == len(self.owned) and not self._standing:
            raise refused[0]

    def add(self, stream_id: str, source: str, *, paused: bool = False) -> Session:
        """One more stream, while `ready`; it is written to the output as the others are.

        Raises: ConfigError for a source that cannot be what it is asked to be.
        """
        assert self.ready
        assert stream_id not in self.sessions
        item = StreamConfig(id=stream_id, source=SecretStr(source))
        session = self._configured(item, asked=True)
        if paused:
            session.pause()
        self.sessions[stream_id] = session
        self._keep_on()
        self._start(session)
        return session

    async def remove(self, stream_id: str) -> None:
        """End one of the `owned` streams, wait for its end, and forget it."""
        session = self.sessions[stream_id]
        self._keep_on()
        session.stop()
        if task := self.owned[session]:
            await asyncio.wait([task])
        del self.owned[session], self.sessions[stream_id]
        self.metrics.forget(stream_id)

    def _start(self, session: Session) -> None:
        assert self._group is not None
        life = self._live(session, partial(session.run, self._sinks))
        self.owned[session] = self._group.create_task(life)

    def _keep_on(self) -> None:
        """From the first change on, the service no longer ends with its streams."""
        run, group = self._config.run, self._group
        if run.serve and not run.once and not self._standing and group:
            self._standing = True
            group.create_task(self._stand())

    async def _stand(self) -> None:
        await self._stopping.wait()

    @asynccontextmanager
    async def guest(
        self, stream_id: str, address: str, open_source: Callable[[], Source]
    ) -> AsyncIterator[Session]:
        """A session besides the configured ones, from entering until leaving; `live` runs it.

        It ends with its source, is written to no output, and leaves no metrics behind.

        Raises: Taken.
        """
        if stream_id in self.sessions:
            raise Taken(f"the stream {stream_id!r} is there already: choose another id")
        policy = Policy(once=True, patient=False, open_timeout_s=0.0)
        session = self._session(stream_id, address, open_source, MonotonicClock(), policy)
        self.sessions[stream_id] = session
        try:
            yield session
        finally:
            session.stop()
            del self.sessions[stream_id]
            self.metrics.forget(stream_id)

    def analyzer(self, faces: FacesOptions | None = None) -> Analyzer:
        """One stream's or one file's logic over the service's networks.

        Its `observe` is to be called by way of `scheduler.look`.
        """
        faces = faces or self._config.faces
        finder = FaceFinder(LaneCascade(faces), faces)
        made = Analyzer(finder, self.detector_spec, self._config.scoring)
        self._analyzers.add(made)
        return made

    async def live(self, session: Session) -> None:
        """Run a guest's `session` until it has ended."""
        await self._live(session, session.run)

    def stop(self) -> None:
        """End every stream; what was already seen still reaches the output."""
        self.ready = False
        self._stopping.set()
        for session in self.sessions.values():
            session.stop()

    def summary(self) -> dict[str, Any]:
        """What the last line of the JSON lines says."""
        return {"streams": {key: session.summary() for key, session in self.sessions.items()}}

    async def _live(self, session: Session, run: Callable[[], Any]) -> None:
        stream_id = session.identity.stream_id
        try:
            await run()
        except* SinkError:
            raise
        except* Exception:  # a task's edge: a fault in one stream must not end the others
            LOG.exception("%s: ended by a fault in the program: please report it", stream_id)
            session.fail("a fault in the program", "see the log, and please report it")
        if session.error and (self._standing or len(self.sessions) > 1):
            LOG.error("%s: %s", stream_id, session.error)

    def _configured(self, item: StreamConfig, *, asked: bool = False) -> Session:
        run = self._config.run
        text = item.source.get_secret_value()
        clock: Clock = ManualClock() if run.fast else MonotonicClock()
        open_one = partial(self._open, text, clock, asked)
        if run.fast and open_one().live:
            raise ConfigError("--fast", f"{mask_secrets(text)} is live: only files can be rushed")
        return self._session(item.id, mask_secrets(text), open_one, clock, self._policy())

    def _file_session(self, open_source: Callable[[], Source], *, still: bool) -> Session:
        """A session over one file that somebody sent; its numbers are no live stream's."""
        faces = self._config.faces
        return self._session(
            "file",
            "file",
            open_source,
            ManualClock(),
            Policy(once=True, fast=True, patient=False, open_timeout_s=0.0, urgency=Urgency.JOB),
            Metrics(),
            replace(faces, confirm_hits=1) if still else faces,
        )

    def _session(
        self,
        stream_id: str,
        address: str,
        open_source: Callable[[], Source],
        clock: Clock,
        policy: Policy,
        metrics: Metrics | None = None,
        faces: FacesOptions | None = None,
    ) -> Session:
        config = self._config
        devices = ",".join(lane.models.detector.device for lane in self.scheduler.lanes)
        return Session(
            Identity(stream_id, address, self.scheduler.engine_told, devices),
            open_source,
            self.analyzer(faces),
            self.scheduler,
            Preview(
                self._encoder,
                config.server.preview_width_px,
                config.server.preview_fps,
                config.server.preview_quality,
            ),
            (metrics or self.metrics).stream(stream_id),
            clock,
            policy,
        )

    def _taken_over(self, spec: ModelSpec) -> None:
        self.detector_spec = spec
        for analyzer in self._analyzers:
            analyzer.succeed(spec)
        self._state_engines()

    def _state_engines(self) -> None:
        self.metrics.engines_changed()
        for lane in self.scheduler.lanes:
            detector = lane.models.detector
            self.metrics.engine(
                lane.models.engine_name, detector.device, detector.provider, detector.spec.precision
            )
        wanted, serving = self._config.engine.name, self.scheduler.engine_name
        if wanted not in {"auto", serving} and not self.scheduler.problems:
            self._upkeep.succession.ask(f"{wanted} is being built; {serving} serves meanwhile")

    def _policy(self) -> Policy:
        run = self._config.run
        return Policy(
            once=run.once,
            fast=run.fast,
            patient=run.serve and not run.once,
            open_timeout_s=self._config.source.open_timeout_s,
        )

    def _open(self, text: str, clock: Clock, asked: bool) -> Source:
        source = self._config.source
        options = SourceOptions(
            clock=clock,
            paced=not self._config.run.fast,
            open_timeout_s=source.open_timeout_s,
            read_timeout_s=source.read_timeout_s,
            rtsp_transport=source.rtsp_transport,
            admits=self.admission.check_host if asked and self.admission.confined else None,
        )
        return open_source(text, options, source.schemes)


def _leaves(group: ExceptionGroup[Exception]) -> Iterator[Exception]:
    for error in group.exceptions:
        if isinstance(error, ExceptionGroup):
            yield from _leaves(error)
        else:
            yield error
