"""Journal: what is measured of one stream: rates, latencies, evidence age, losses."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

from stream.clock import Clock
from stream.latency import HOPS, Hop, LatencyRecord
from stream.messages import OverlayMessage
from stream.metrics import StreamMetrics
from stream.rates import RateMeter
from stream.types import Analysis, WindowScore

LOG: Final = logging.getLogger("deepfakestream")
UNSENT: Final = 1024
"""Messages whose sending is awaited: as many as wait for the slowest reader that counts."""


class Journal:
    """Notes each analysed frame, each message and its sending; on the event loop.

    Times are those of the stream's own clock.
    """

    def __init__(self, metrics: StreamMetrics, clock: Clock) -> None:
        self._metrics = metrics
        self._clock = clock
        self._latency: dict[Hop, LatencyRecord] = {hop: LatencyRecord() for hop in HOPS}
        self._rates = RateMeter()
        self._evidence_from_s: float | None = None
        self._unsent: deque[tuple[int, float]] = deque(maxlen=UNSENT)
        self._lost = 0
        self.dropped = 0

    def restart(self) -> None:
        """A new connection: rates start anew."""
        self._rates.restart()

    def rest(self) -> None:
        """Nothing is looked at for now, so there is no evidence to grow old."""
        self.restart()
        self._evidence_from_s = None

    def watch(self, live: Callable[[], float]) -> None:
        """Let Prometheus read the evidence age and `live` at scrape time."""
        self._metrics.watch(self._age_or_nan, live)

    def drops(self, total: int) -> None:
        """The stream has dropped `total` frames so far."""
        if total != self.dropped:
            self._metrics.dropped.inc(total - self.dropped)
            self.dropped = total

    def analysed(self, analysis: Analysis, scored: int) -> None:
        """A frame was analysed, and `scored` of its faces were scored by the network."""
        hops = analysis.hops
        self._measure("decoded", hops.decoded_at_s - hops.captured_at_s)
        self._measure("faces", hops.faces_at_s - hops.captured_at_s)
        if hops.scored_at_s is not None:
            self._measure("scored", hops.scored_at_s - hops.captured_at_s)
            self._metrics.scored.inc(scored)
        if analysis.frame.capture.corrupt:
            self._metrics.corrupt.inc()
        self._rates.mark(hops.decoded_at_s, analysis.frame.seq, scored)
        for face in analysis.faces:
            if face.window.alarmed:
                self._metrics.alarms.inc()
                LOG.warning("%s", alarm_line(analysis.frame.stream_id, face.window))
        newest = [face.window.newest_captured_at_s for face in analysis.faces]
        self._evidence_from_s = min((at_s for at_s in newest if at_s is not None), default=None)

    def made(self, message: OverlayMessage, captured_at_s: float) -> None:
        """A message is about to be published."""
        self._metrics.messages.inc()
        self._unsent.append((message.seq, captured_at_s))

    def lost(self, total: int) -> None:
        """Clients that were too slow have missed `total` messages so far."""
        if total != self._lost:
            self._metrics.lost.inc(total - self._lost)
            self._lost = total

    def sent(self, message: OverlayMessage) -> None:
        """`message` has left for one of its viewers; the first one counts."""
        while self._unsent and self._unsent[0][0] <= message.seq:
            seq, captured_at_s = self._unsent.popleft()
            if seq == message.seq:
                self._measure("sent", self._clock.now_s() - captured_at_s)

    async def sending(
        self, messages: AsyncIterator[OverlayMessage]
    ) -> AsyncIterator[OverlayMessage]:
        """The `messages`, each noted as sent once its reader is back for more."""
        async for message in messages:
            yield message
            self.sent(message)

    def evidence_age_s(self, now_s: float | None = None) -> float | None:
        """Age of the oldest evidence among the faces in sight, now unless another moment is named;
        None without a scored face.
        """
        if self._evidence_from_s is None:
            return None
        return (self._clock.now_s() if now_s is None else now_s) - self._evidence_from_s

    def rates(self) -> tuple[float, float]:
        """Frames decoded and crops scored a second."""
        return self._rates.rates()

    def latencies(self) -> dict[str, Any]:
        """p50, p95, p99 and count of every hop, in ms since capture."""
        return {hop: record.summary() for hop, record in self._latency.items()}

    def _age_or_nan(self) -> float:
        age_s = self.evidence_age_s()
        return float("nan") if age_s is None else age_s

    def _measure(self, hop: Hop, latency_s: float) -> None:
        self._latency[hop].add(1000 * latency_s)
        self._metrics.latency(hop, latency_s)


def alarm_line(stream_id: str, window: WindowScore) -> str:
    """What an alarm says in the log; times are media time."""
    since_s = window.fake_since_s
    since = "swap suspected" if since_s is None else f"swap since {since_s:.1f} s"
    return f"{stream_id}: track {window.track_id}: {since} (alarm at {window.end_s:.1f} s)"
