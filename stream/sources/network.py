"""NetworkSource: RTSP cameras and the other addresses that FFmpeg reads from a network."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple

import av
import av.error
from av.container import InputContainer
from av.video.stream import VideoStream

from stream.errors import ConfigError, SourceError
from stream.sources.address import mask_secrets, read_address
from stream.sources.base import Emit, SourceOptions
from stream.sources.decoding import Decoder, video_stream
from stream.sources.faults import closed, open_fault, read_fault
from stream.sources.file import FORMATS
from stream.sources.lateness import Lateness
from stream.sources.live import LiveRelay, NoPictures
from stream.sources.playback import Playback
from stream.sources.rtcp import SenderReports

log = logging.getLogger(__name__)


_SILENT_SHARE: Final = 0.98


class _Scheme(NamedTuple):
    """How one scheme is opened: the protocols that it may use, never ``file``, and FFmpeg's
    options beyond the common ones. `timeout` names the protocol's own limit, in microseconds.
    """

    protocols: str
    timeout: str | None
    options: dict[str, str]


# The session description says what matters, so little is probed: GStreamer's server is open after
# 0.1 s instead of 1.9 s. No fflags=nobuffer: it throws away what was probed, and with it the first
# keyframe; the first picture then came one keyframe interval later (1.1 s against 0.1 s).
_RTSP: Final = {"probesize": "5000", "analyzeduration": "0", "fpsprobesize": "0"}
_WEB: Final = {"format_whitelist": f"{FORMATS},mpjpeg,hls"}
# Redirects and playlists name addresses that nobody has admitted.
_LED_NOWHERE: Final = {"max_redirects": "0", "format_whitelist": f"{FORMATS},mpjpeg"}
_PUSHED: Final = {"probesize": "500000", "analyzeduration": "1000000", "fpsprobesize": "0"}
_SCHEMES: Final[dict[str, _Scheme]] = {
    "rtsp": _Scheme("tcp,udp,rtp", "timeout", _RTSP),
    "rtsps": _Scheme("tls,tcp,udp,rtp", "timeout", _RTSP),
    "http": _Scheme("http,https,tls,tcp,crypto", "rw_timeout", _WEB),
    "https": _Scheme("https,tls,tcp,crypto", "rw_timeout", _WEB),
    # RTMP's option "timeout" would make it listen instead.
    "rtmp": _Scheme("rtmp,tcp", "rw_timeout", _PUSHED),
    "rtmps": _Scheme("rtmps,rtmp,tls,tcp", "rw_timeout", _PUSHED),
    "srt": _Scheme("srt", None, _PUSHED),
    "udp": _Scheme("udp", "timeout", _PUSHED),
}
# Their packets carry no time: FFmpeg counts 25 a second, whatever the camera does.
_TIMELESS: Final = frozenset({"mpjpeg", "mjpeg", "h264", "hevc", "m4v"})


class NetworkSource:
    """The pictures of one URL.

    Cameras are live: their end is a fault. A finite file over HTTP is played at its own pace, and
    `live` turns False once it is open. RTSP runs over TCP unless `rtsp_transport` says otherwise. A
    camera's wall clock is used where it sends one that can be believed (`SenderClock`).
    """

    def __init__(self, target: str, options: SourceOptions) -> None:
        self._url = target
        self._scheme = read_address(target).scheme
        self._options = options
        self.live = True
        self.decoder = ""

    def __repr__(self) -> str:
        return f"NetworkSource({mask_secrets(self._url)!r})"

    def run(self, emit: Emit, stop: threading.Event) -> None:
        """Open and relay until the end, a fault, or `stop`, which a silent camera delays until the
        read timeout.

        Raises: SourceError; not retryable for a refused password, an unknown path, a codec or
        protocol that is not known here. No message holds a password.
        """
        container = self._open()
        with container:
            if stop.is_set():
                return
            stream = self._video(container)
            decoder = Decoder(stream)
            self.decoder = decoder.name
            try:
                self._pull(container, stream, decoder, emit, stop)
            except NoPictures:
                raise self._error(
                    "what it sends cannot be decoded", "check the camera's codec", retryable=True
                ) from None
            except (av.error.FFmpegError, OSError) as exc:
                raise read_fault(exc, self._url, self._options.read_timeout_s) from None

    def _pull(
        self,
        container: InputContainer,
        stream: VideoStream,
        decoder: Decoder,
        emit: Emit,
        stop: threading.Event,
    ) -> None:
        clock = self._options.clock
        packets = self._watched(container.demux(stream))
        if self._scheme in {"http", "https"} and container.duration:
            self.live = False
        if not self.live or container.format.name == "hls":
            # Files and HLS come in bursts, of which all but one picture would be dropped.
            playback = Playback(decoder, clock, paced=True)
            ended = playback.run(packets, emit, stop)
            if ended and not self.live:
                playback.warn_if_short(container, stream, mask_secrets(self._url))
        else:
            timed = container.format.name not in _TIMELESS
            relay = LiveRelay(
                decoder,
                clock,
                mask_secrets(self._url),
                sent=SenderReports().of,
                own_timestamps=timed,
                patience_s=self._options.open_timeout_s,
                lateness=Lateness() if timed else None,
            )
            ended = relay.run(packets, emit, stop)
        if ended and self.live:
            raise closed(self._url)

    def _watched(
        self, packets: Iterable[av.Packet[VideoStream]]
    ) -> Iterator[av.Packet[VideoStream]]:
        """The packets, until one took the whole read timeout: FFmpeg then first hands out what its
        parser still held, and only the next read, another timeout later, would tell of the silence.
        """
        limit_s = self._options.read_timeout_s
        begin_s = time.monotonic()
        for packet in packets:
            if time.monotonic() - begin_s >= _SILENT_SHARE * limit_s:
                raise av.error.ExitError(0, "")
            yield packet
            begin_s = time.monotonic()

    def _open(self) -> InputContainer:
        options = self._options
        if options.admits:
            self._ask(options.admits)
        begin_s = time.monotonic()
        try:
            container = av.open(
                self._url,
                options=self._ffmpeg_options(),
                timeout=(options.open_timeout_s, options.read_timeout_s),
                metadata_errors="ignore",
            )
        except (av.error.FFmpegError, OSError, ValueError) as exc:
            waited_s = time.monotonic() - begin_s
            raise open_fault(exc, self._url, waited_s, options.open_timeout_s) from None
        waited_s = time.monotonic() - begin_s
        if waited_s >= options.open_timeout_s:
            # The server answered, but FFmpeg then waited in vain for a first packet.
            container.close()
            silent = av.error.ExitError(0, "")
            raise open_fault(silent, self._url, waited_s, options.open_timeout_s)
        return container

    def _ask(self, admits: Callable[[str], None]) -> None:
        try:
            admits(self._url)
        except ConfigError as exc:
            # A name may resolve, or resolve elsewhere, later.
            problem, remedy = exc.problem, "check the address"
            raise self._error(problem, remedy, retryable=True) from None

    def _ffmpeg_options(self) -> dict[str, str]:
        scheme = _SCHEMES[self._scheme]
        chosen = {"protocol_whitelist": scheme.protocols, **scheme.options}
        if scheme.timeout:
            # PyAV's own limit ends a silent read sooner; this one ends what does not ask PyAV.
            chosen[scheme.timeout] = str(round(self._options.open_timeout_s * 1e6))
        if self._options.admits and self._scheme in {"http", "https"}:
            chosen |= _LED_NOWHERE
        if self._scheme in {"rtsp", "rtsps"}:
            udp = self._options.rtsp_transport == "udp"
            # Over UDP packets overtake each other: wait a little, or each would count as lost.
            chosen |= {"rtsp_transport": self._options.rtsp_transport}
            chosen |= {"max_delay": "100000" if udp else "0"}
        return chosen

    def _video(self, container: InputContainer) -> VideoStream:
        stream = video_stream(container)
        if stream is not None:
            return stream
        if container.streams.video:
            problem, remedy = "its codec cannot be decoded here", "set the camera to H.264"
        else:
            problem, remedy = "has no video stream", "check the address"
        raise self._error(problem, remedy, retryable=False)

    def _error(self, problem: str, remedy: str, *, retryable: bool) -> SourceError:
        return SourceError(mask_secrets(self._url), problem, remedy, retryable=retryable)
