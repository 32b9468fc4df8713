"""Counters and latency histograms for Prometheus, and fault lines that do not flood."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

from stream.latency import Hop

BUCKETS_S: Final = (
    0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0, 10.0,
)  # fmt: skip
FAULT_INTERVAL_S: Final = 1.0


class Metrics:
    """One registry for one service; made anew for each, so tests never share counts."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._frames = self._counter("frames", "Frames decoded")
        self._dropped = self._counter("frames_dropped", "Frames replaced unseen by a newer one")
        self._corrupt = self._counter("frames_corrupt", "Frames decoded with errors: not scored")
        self._scored = self._counter("faces_scored", "Face crops scored by the network")
        self._alarms = self._counter("alarms", "Faces that became fake")
        self._messages = self._counter("messages", "Overlay messages made")
        self._lost = self._counter("messages_lost", "Messages that a slow client missed")
        self._reconnects = self._counter("reconnects", "Connections lost and tried anew")
        self._faults = self._counter("faults", "Errors survived while running")
        self._latency = Histogram(
            "deepfakestream_latency_seconds",
            "From capture to the end of a hop",
            ("stream", "hop"),
            registry=self.registry,
            buckets=BUCKETS_S,
        )
        self._age = Gauge(
            "deepfakestream_evidence_age_seconds",
            "Age of the oldest face evidence shown; NaN without a scored face",
            ("stream",),
            registry=self.registry,
        )
        self._live = Gauge(
            "deepfakestream_source_live",
            "1 while frames arrive",
            ("stream",),
            registry=self.registry,
        )
        self._clients = Gauge(
            "deepfakestream_clients",
            "Connected WebSocket clients",
            ("stream", "channel"),
            registry=self.registry,
        )
        self._engine = Gauge(
            "deepfakestream_engine_info",
            "The engine, device, execution provider and the precision of the detector in use",
            ("engine", "device", "provider", "precision"),
            registry=self.registry,
        )

        self._load = Gauge(
            "deepfakestream_admitted_load",
            "Share of the box in use over the last 15 s: 0 idle, 1 full",
            registry=self.registry,
        )
        self._degraded = Gauge(
            "deepfakestream_degraded",
            "How many things are wrong with the engines; the streams' health names them",
            registry=self.registry,
        )

        self._families = (
            self._frames, self._dropped, self._corrupt, self._scored, self._alarms, self._messages,
            self._lost, self._reconnects, self._faults, self._latency, self._age, self._live,
            self._clients,
        )  # fmt: skip

    def text(self) -> bytes:
        """The exposition format."""
        return generate_latest(self.registry)

    def engine(self, engine: str, device: str, provider: str, precision: str) -> None:
        """State which engine runs, and in which precision the detector."""
        self._engine.labels(engine, device, provider, precision).set(1)

    def engines_changed(self) -> None:
        """Forget which engines run: they are stated anew."""
        self._engine.clear()

    def box(self, load: Callable[[], float], degraded: Callable[[], float]) -> None:
        """Read the admitted load and the number of problems at scrape time."""
        self._load.set_function(load)
        self._degraded.set_function(degraded)

    def stream(self, stream_id: str) -> StreamMetrics:
        """The metrics of one stream."""
        return StreamMetrics(self, stream_id)

    def forget(self, stream_id: str) -> None:
        """Leave nothing of a stream that will not come back, not even what it was called."""
        for family in self._families:
            family.remove_by_labels({"stream": stream_id})

    def _counter(self, name: str, text: str) -> Counter:
        return Counter(f"deepfakestream_{name}", text, ("stream",), registry=self.registry)


class StreamMetrics:
    """One stream's share of the metrics."""

    def __init__(self, metrics: Metrics, stream_id: str) -> None:
        self._metrics = metrics
        self._id = stream_id
        counter = (stream_id,)
        self.frames = metrics._frames.labels(*counter)
        self.dropped = metrics._dropped.labels(*counter)
        self.corrupt = metrics._corrupt.labels(*counter)
        self.scored = metrics._scored.labels(*counter)
        self.alarms = metrics._alarms.labels(*counter)
        self.messages = metrics._messages.labels(*counter)
        self.lost = metrics._lost.labels(*counter)
        self.reconnects = metrics._reconnects.labels(*counter)
        self.faults = metrics._faults.labels(*counter)
        self._channels: dict[str, Gauge] = {}
        self._hops = {
            hop: metrics._latency.labels(stream_id, hop)
            for hop in ("decoded", "faces", "scored", "sent")
        }

    def latency(self, hop: Hop, seconds: float) -> None:
        """Note how long after capture a frame passed `hop`."""
        self._hops[hop].observe(seconds)

    def watch(self, age_s: Callable[[], float], live: Callable[[], float]) -> None:
        """Read the evidence age and the liveness at scrape time: both go on while frames do not."""
        self._metrics._age.labels(self._id).set_function(age_s)
        self._metrics._live.labels(self._id).set_function(live)

    @contextmanager
    def client(self, channel: str) -> Iterator[None]:
        """A client of `channel` is there meanwhile."""
        # Kept, not looked up: the last client of a stream may go after the stream was forgotten.
        if channel not in self._channels:
            self._channels[channel] = self._metrics._clients.labels(self._id, channel)
        with self._channels[channel].track_inprogress():
            yield


class FaultLog:
    """At most one line a second for each stream; what was held back is counted in the next."""

    def __init__(self, logger: logging.Logger, stream_id: str) -> None:
        self._logger = logger
        self._id = stream_id
        self._silent_until_s = float("-inf")
        self._held = 0

    def report(self, problem: object, now_s: float) -> None:
        """Log `problem`, or hold it back."""
        if now_s < self._silent_until_s:
            self._held += 1
            return
        more = f" (and {self._held} more in the meantime)" if self._held else ""
        self._logger.warning("%s: %s%s", self._id, problem, more)
        self._held = 0
        self._silent_until_s = now_s + FAULT_INTERVAL_S
