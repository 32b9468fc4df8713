"""Session: one stream's life, from opening its source to telling what was seen.

It alone starts a source again, as its policy says: sources fail, they do not retry.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

from engines.errors import EngineError
from stream.analyzer import Analyzer
from stream.clock import Clock, ManualClock
from stream.conversion import Conversion
from stream.errors import SourceError
from stream.fanout import Fanout, Subscription
from stream.journal import Journal
from stream.messages import Health, OverlayMessage, SourceState, overlay_message
from stream.metrics import FaultLog, StreamMetrics
from stream.policy import Attempts, Policy
from stream.preview import Preview
from stream.pull import Pull
from stream.scheduler import Look, Scheduler
from stream.sinks.base import Sink
from stream.slot import LatestSlot
from stream.sources.base import Source
from stream.types import Analysis, Capture, Frame, Identity

LOG: Final = logging.getLogger("deepfakestream")
STALLED_AFTER_S: Final = 1.0
SCORES_QUEUED: Final = 4
"""Messages that wait for one viewer: enough for a hiccup of the network, too few to grow stale."""
SINKS_DEADLINE_S: Final = 0.4
"""How long `stop` lets sinks take what was made: Ctrl+C leaves within a second."""
LINES_QUEUED: Final = 1024
"""Messages that wait for a file: half a minute of a disk that stands still."""


@dataclass(frozen=True, slots=True)
class _Numbered:
    """A capture with its place in the stream."""

    capture: Capture
    seq: int
    epoch: int


class Session:
    """One stream. `run` is its only task; everything else is called on the event loop.

    After `run`, `error` holds the SourceError that ended it, if one did.
    """

    def __init__(
        self,
        identity: Identity,
        open_source: Callable[[], Source],
        analyzer: Analyzer,
        scheduler: Scheduler,
        preview: Preview,
        metrics: StreamMetrics,
        clock: Clock,
        policy: Policy,
    ) -> None:
        self.identity = identity
        self.messages: Fanout[OverlayMessage] = Fanout()
        self.frames: Fanout[Frame] = Fanout()
        self.preview = preview
        self.error: SourceError | None = None
        self.last: OverlayMessage | None = None
        self._open_source = open_source
        self._analyzer = analyzer
        self._scheduler = scheduler
        self._metrics = metrics
        self._clock = clock
        self._policy = policy
        self._faults = FaultLog(LOG, identity.stream_id)
        self._journal = Journal(metrics, clock)
        self._state: SourceState = "connecting"
        self._problem = ""
        self._unpaused = asyncio.Event()
        self.resume()
        self._slot: LatestSlot[_Numbered] | None = None
        self._source: Source | None = None
        self._work: asyncio.Task[None] | None = None
        self._feeds: list[asyncio.Task[None]] = []
        self._epoch = self._epoch_starts_seq = -1
        self._frames = 0
        self._arrived_at_s = clock.now_s()
        self._epoch_starts_s = 0.0
        self._journal.watch(lambda: float(self.source_state == "live"))

    async def run(self, sinks: Sequence[Sink] = ()) -> None:
        """Live until the source has ended for good, or `stop`. Cancelling stops at once.

        Raises: SinkError in a group, when a sink fails.
        """
        if self._state == "ended":
            return
        async with asyncio.TaskGroup() as group:
            for sink in sinks:
                self._feeds.append(group.create_task(self._feed(sink), name="sink"))
            looking = group.create_task(self.preview.run())
            self._work = group.create_task(self._supervise(), name=self.identity.stream_id)
            self._work.add_done_callback(lambda _: self._wind_up(looking))

    def stop(self) -> None:
        """End the stream; messages already made still reach sinks that take them in time."""
        self._state = "ended"
        if self._work:
            self._work.cancel()
            for feed in self._feeds:
                asyncio.get_running_loop().call_later(SINKS_DEADLINE_S, feed.cancel)

    def pause(self) -> None:
        """Close the source and look at nothing until `resume`; viewers stay connected."""
        self._unpaused.clear()
        slot, self._slot = self._slot, None
        if slot:
            slot.close()

    def resume(self) -> None:
        """Open the source anew; what comes is another epoch."""
        self._unpaused.set()

    @property
    def paused(self) -> bool:
        """Whether the stream waits for `resume`."""
        return not self._unpaused.is_set()

    def _wind_up(self, looking: asyncio.Task[None]) -> None:
        self._state = "ended"
        self.messages.close()
        self.frames.close()
        looking.cancel()

    async def _supervise(self) -> None:
        attempts = Attempts(self._policy)
        while True:
            if self.paused:
                self._state, self._problem = "connecting", ""
                self._journal.rest()
                await self._unpaused.wait()
                attempts = Attempts(self._policy)
            frames_before = self._frames
            try:
                finished = await self._play()
            except SourceError as exc:
                # The traceback holds this coroutine's frame, which holds the pull, which holds the
                # error: a circle that would keep the decoder and its threads until a collection.
                exc.with_traceback(None)
                now_s = self._clock.now_s()
                was_there = self._frames > 0 and self._source is not None and self._source.live
                pause_s = attempts.pause_s(exc, now_s, was_there, self._frames > frames_before)
                if pause_s is None:
                    self._give_up(exc)
                    return
                self._state, self._problem = "connecting", exc.problem
                self._metrics.reconnects.inc()
                self._faults.report(f"{exc}; trying again", now_s)
                await asyncio.sleep(pause_s)
            else:
                if self._frames == frames_before and finished:
                    self.fail("it ended without a picture", "check that it is a video")
                if self.error or (self._policy.once and finished):
                    return

    def fail(self, problem: str, remedy: str) -> None:
        """State that the stream has ended for good, and why."""
        self.error = SourceError(self.identity.address, problem, remedy, retryable=False)
        self._problem = problem

    def _give_up(self, exc: SourceError) -> None:
        self._problem = exc.problem
        if self._frames:
            LOG.warning("%s: ended: %s", self.identity.stream_id, exc)
        else:
            self.error = exc

    async def _play(self) -> bool:
        """One epoch, from opening to the end; False if a pause cut it short. Raises: SourceError.

        An attempt that brings no picture is no epoch: the next one takes its number.
        """
        if self._frames > self._epoch_starts_seq:
            self._epoch += 1
            self._epoch_starts_seq = self._frames
        self._epoch_starts_s = self._clock.now_s()
        self._journal.restart()
        loop = asyncio.get_running_loop()
        self._slot = slot = LatestSlot[_Numbered](loop, wait=self._policy.fast)
        dropped_before = self._journal.dropped
        self._source = self._open_source()
        async with Pull(self._source, self._numbering(slot), self.identity.stream_id) as pull:
            pull.ended.add_done_callback(lambda _: slot.close())
            try:
                while (numbered := await slot.get()) is not None:
                    self._state, self._problem = "live", ""
                    self._journal.drops(dropped_before + slot.dropped)
                    await self._look_at(numbered)
            finally:
                slot.close()  # before the thread is awaited: it may be waiting for the slot
            if self._slot is slot:  # else a pause closed it, and leaving stops the source
                await pull.ended
        return self._slot is slot

    def _numbering(self, slot: LatestSlot[_Numbered]) -> Callable[[Capture], bool]:
        epoch = self._epoch

        def emit(capture: Capture) -> bool:
            # In the source's thread. Only one source of a stream emits into an open slot, and only
            # what the slot takes is counted: a thread left behind must not touch the numbers.
            if not slot.put(_Numbered(capture, self._frames, epoch)):
                return False
            self._arrived_at_s = capture.arrived_at_s
            self._frames += 1
            self._metrics.frames.inc()
            return True

        return emit

    async def _look_at(self, taken: _Numbered) -> None:
        frame = Frame(self.identity.stream_id, taken.epoch, taken.seq, self._own(taken.capture))
        # A file read without pacing is looked at the same way in each run, however full the box.
        if self._analyzer.wants(frame, busy=not self._policy.fast and self._scheduler.busy):
            find = partial(self._analyzer.observe, frame)
            try:
                look = await self._scheduler.look(find, self._clock.now_s, self._policy.urgency)
            except EngineError as exc:
                self._fault(exc)
                return
        else:
            self._analyzer.coast(frame)
            look = Look((), (), self._clock.now_s())
        if look.fault:
            self._fault(look.fault)
        crops = () if look.fault else look.crops
        scored_at_s = self._clock.now_s() if crops else None
        analysis = self._analyzer.absorb(frame, crops, look.scores, look.faces_at_s, scored_at_s)
        self._publish(analysis, len(crops))
        if self._policy.fast:
            await self.messages.drained()
        self.preview.offer(frame)
        self.frames.publish(frame)

    def _own(self, capture: Capture) -> Capture:
        """Converted once for all; of a file without pacing, media time is the only time."""
        own = Conversion(capture.convert)
        if not isinstance(self._clock, ManualClock):
            return replace(capture, convert=own)
        at_s = self._epoch_starts_s + capture.media_time_s
        self._clock.set(at_s)
        return replace(
            capture, convert=own, captured_at_s=at_s, arrived_at_s=at_s, decoded_at_s=at_s
        )

    def _fault(self, exc: EngineError) -> None:
        self._metrics.faults.inc()
        self._problem = str(exc)
        self._faults.report(exc, self._clock.now_s())

    def _publish(self, analysis: Analysis, scored: int) -> None:
        self._journal.analysed(analysis, scored)
        seq = 0 if self.last is None else self.last.seq + 1
        now_s = self._clock.now_s()
        message = overlay_message(analysis, seq, self.health(now_s), self._clock, now_s)
        self.last = message
        self._journal.made(message, analysis.hops.captured_at_s)
        self.messages.publish(message)
        self._journal.lost(self.messages.dropped)
        if not len(self.messages):
            self.sent(message)

    def sent(self, message: OverlayMessage) -> None:
        """Note that `message` has left for one of its viewers."""
        self._journal.sent(message)

    @contextmanager
    def subscribe(
        self, channel: str, size: int = SCORES_QUEUED, *, awaited: bool = False
    ) -> Iterator[Subscription[OverlayMessage]]:
        """The messages from now on, for a client of `channel`; its losses are counted.

        A file read without pacing waits for those that are `awaited`, and for no other client.
        """
        subscribed = self.messages.subscribe(size, awaited=awaited)
        with self._metrics.client(channel), subscribed as subscription:
            yield subscription

    @contextmanager
    def subscribe_pictures(self, size: int) -> Iterator[Subscription[bytes]]:
        """The preview's pictures from now on, for a client of ``video``."""
        with self._metrics.client("video"), self.preview.pictures.subscribe(size) as subscription:
            yield subscription

    @property
    def source_state(self) -> SourceState:
        """`stalled` while a live source says nothing for a second, before it is given up."""
        if self.paused and self._state != "ended":
            return "paused"
        silent_s = self._clock.now_s() - self._arrived_at_s
        live = self._source is not None and self._source.live
        if self._state == "live" and live and silent_s > STALLED_AFTER_S:
            return "stalled"
        return self._state

    def health(self, now_s: float | None = None) -> Health:
        """How the stream is served at this moment."""
        fps_in, fps_scored = self._journal.rates()
        age_s = self._journal.evidence_age_s(now_s)
        # What is true of every verdict is news only while there are some.
        caveats = self._analyzer.caveats if self._state == "live" else ()
        return Health(
            evidence_age_ms=None if age_s is None else round(1000 * age_s, 1),
            fps_in=round(fps_in, 2),
            fps_scored=round(fps_scored, 2),
            dropped=self._journal.dropped,
            engine=self._scheduler.engine_told,
            device=self.identity.device,
            decoder="" if self._source is None else self._source.decoder,
            source_state=self.source_state,
            degraded=(*filter(None, (self._problem, *self._scheduler.problems.values())), *caveats),
        )

    def summary(self) -> dict[str, Any]:
        """Frames, drops, faces and latencies so far."""
        return {
            "frames": self._frames,
            "dropped": self._journal.dropped,
            "tracks": self._analyzer.tracks_seen,
            "latency_ms": self._journal.latencies(),
        }

    async def _feed(self, sink: Sink) -> None:
        with self.subscribe("sink", LINES_QUEUED, awaited=True) as subscription:
            await sink.consume(self._journal.sending(subscription))
