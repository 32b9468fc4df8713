"""FileSource: a local video file, played as a camera would send it or as fast as it is taken."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import av
import av.error
from av.container import InputContainer
from av.video.stream import VideoStream

from stream.clock import Clock
from stream.errors import SourceError
from stream.sources.base import Emit, SourceOptions
from stream.sources.decoding import Decoder, Picture
from stream.sources.timeline import Timeline
from stream.types import Capture

log = logging.getLogger(__name__)

# Only containers that hold their own pictures: a playlist or concat script named .mp4 would make
# FFmpeg open whatever it lists.
FORMATS: Final = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,flv,ogg,asf,h264,hevc,m4v,"
    "mjpeg,ivf,gif,yuv4mpegpipe,mxf,nut,rm,wtv,dv,obu,av1,vc1"
)
# Behind by more than this, the machine cannot keep up: the film then waits, as delay that grows
# without end would help nobody.
_MAX_LATE_S: Final = 1.0
_MAX_WAIT_S: Final = 0.1
_CUT_SHORT_S: Final = 0.5


class Pacing:
    """When each picture of a file is due, if it were a camera's: media time laid onto a clock."""

    def __init__(self, clock: Clock, stop: threading.Event) -> None:
        self._clock = clock
        self._stop = stop
        self._base_s: float | None = None
        self._warned = False

    def start(self, at_s: float) -> None:
        """Media time 0 is at `at_s`; later calls change nothing."""
        if self._base_s is None:
            self._base_s = at_s

    def due_s(self, media_s: float) -> float:
        """The clock's time of `media_s`."""
        return (self._clock.now_s() if self._base_s is None else self._base_s) + media_s

    def wait(self, media_s: float) -> bool:
        """Wait until `media_s` is due; False when `stop` was set instead."""
        if self._base_s is None:
            return not self._stop.is_set()
        while (left_s := self.due_s(media_s) - self._clock.now_s()) > 0:
            if self._stop.wait(min(left_s, _MAX_WAIT_S)):
                return False
        if left_s < -_MAX_LATE_S:
            self._base_s -= left_s
            if not self._warned:
                log.warning("a file cannot be decoded as fast as it plays: it is shown more slowly")
            self._warned = True
        return not self._stop.is_set()


class FileSource:
    """The pictures of one local file; `run` returns at its end.

    Paced, `captured_at_s` is the moment at which a camera would have taken the picture (the start
    of playing plus its media time), so latency counts decoding and every delay after it. Without
    pacing all times are media time. Only local files of known containers are opened: nothing that
    a file names is followed.
    """

    live = False

    def __init__(self, target: str, options: SourceOptions) -> None:
        self._path = Path(target)
        self._shown = target
        self._options = options
        self.decoder = ""

    def run(self, emit: Emit, stop: threading.Event) -> None:
        """Play the file once. A file cut short ends with a warning once one picture was decoded.

        Raises: SourceError, never retryable, that says in a sentence what is wrong with the file.
        """
        self._check()
        try:
            container = av.open(
                f"file:{self._path}",
                options={"protocol_whitelist": "file", "format_whitelist": FORMATS},
                metadata_errors="ignore",
            )
        except PermissionError as exc:
            raise self._error("may not be read", "change its permissions") from exc
        except (av.error.FFmpegError, OSError, ValueError) as exc:
            raise self._undecodable() from exc
        with container:
            if not container.streams.video:
                raise self._error("has no video stream", "name a file with pictures in it")
            self._play(container, emit, stop)

    def _check(self) -> None:
        path = self._path
        try:
            if not path.exists():
                raise self._error("there is no such file", "check the path")
            if not path.is_file():
                remedy = "name a video file"
                if str(path).startswith("/dev/video"):
                    remedy = f"for a camera write camera:{path}"
                raise self._error("is not a file", remedy)
            if path.stat().st_size == 0:
                raise self._error("the file is empty", "record or copy it again")
        except (OSError, ValueError) as exc:
            raise self._error("cannot be looked at", "check the path and its permissions") from exc

    def _play(self, container: InputContainer, emit: Emit, stop: threading.Event) -> None:
        stream = container.streams.video[0]
        decoder = Decoder(stream)
        self.decoder = decoder.name
        timeline = Timeline(decoder.interval_s)
        pacing = Pacing(self._options.clock, stop) if self._options.paced else None
        last_s: float | None = None
        for packet in self._packets(container, stream):
            if not self._reached(packet, timeline, pacing, stop):
                return
            for picture in decoder.decode(packet):
                last_s = timeline.place(picture.timestamp_s)
                if pacing and not self._await(last_s, pacing):
                    return
                if not emit(self._capture(picture, last_s, pacing)) or stop.is_set():
                    return
        if last_s is None:
            raise self._undecodable()
        self._warn_if_short(container, stream, last_s + decoder.interval_s)

    def _packets(
        self, container: InputContainer, stream: VideoStream
    ) -> Iterator[av.Packet[VideoStream]]:
        try:
            yield from container.demux(stream)
        except (av.error.FFmpegError, OSError) as exc:
            log.debug("%s ends early: %s", self._shown, exc)

    @staticmethod
    def _reached(
        packet: av.Packet[VideoStream],
        timeline: Timeline,
        pacing: Pacing | None,
        stop: threading.Event,
    ) -> bool:
        """Wait for the packet as a camera's would come: at its decoding time. False on `stop`."""
        if pacing is None or packet.dts is None:
            return not stop.is_set()
        return pacing.wait(timeline.peek(float(packet.dts * packet.time_base)))

    def _await(self, media_s: float, pacing: Pacing) -> bool:
        pacing.start(self._options.clock.now_s())
        return pacing.wait(media_s)

    def _capture(self, picture: Picture, media_s: float, pacing: Pacing | None) -> Capture:
        due_s = pacing.due_s(media_s) if pacing else media_s
        return Capture(
            media_time_s=media_s,
            captured_at_s=due_s,
            arrived_at_s=due_s,
            decoded_at_s=self._options.clock.now_s() if pacing else media_s,
            clock="arrival",
            size_px=picture.size_px,
            convert=picture.converter(),
            corrupt=picture.corrupt,
        )

    def _warn_if_short(
        self, container: InputContainer, stream: VideoStream, played_s: float
    ) -> None:
        if stream.duration is not None and stream.time_base is not None:
            promised_s = float(stream.duration * stream.time_base)
        elif container.duration is not None and len(container.streams) == 1:
            promised_s = container.duration / av.time_base
        else:
            return
        if promised_s - played_s > max(_CUT_SHORT_S, 0.02 * promised_s):
            log.warning(
                "%s is cut short: %.1f s of %.1f s could be read", self._shown, played_s, promised_s
            )

    def _undecodable(self) -> SourceError:
        return self._error("is no video that can be decoded", "check that the file is complete")

    def _error(self, problem: str, remedy: str) -> SourceError:
        return SourceError(self._shown, problem, remedy, retryable=False)
