"""CameraSource: a webcam, through FFmpeg's Video4Linux on Linux, else through OpenCV."""

from __future__ import annotations

import errno
import logging
import re
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

import av
import av.error
import cv2
import numpy as np
from av.container import InputContainer
from av.video.stream import VideoStream

from stream.errors import SourceError
from stream.sources.base import Emit, SourceOptions
from stream.sources.decoding import Decoder, video_stream
from stream.sources.live import LiveRelay, NoPictures, Sent
from stream.sources.silence import Silence
from stream.sources.timeline import Timeline
from stream.types import Capture, Pixels, green_thumbnail

log = logging.getLogger(__name__)

# Tried in turn. Webcams give 720p at full rate only as motion JPEG: raw pictures of that size do
# not fit through USB 2. What a camera cannot do, it refuses; the last attempt takes its default.
_MODES: Final[tuple[dict[str, str], ...]] = (
    {"input_format": "mjpeg", "video_size": "1280x720", "framerate": "30"},
    {"video_size": "640x480", "framerate": "30"},
    {},
)
_PLUG_IN: Final = "plug it in, or name another with camera:N"
_WORDS: Final[dict[int, tuple[str, str, bool]]] = {
    errno.ENOENT: ("there is no such camera", _PLUG_IN, True),
    errno.ENXIO: ("there is no such camera", _PLUG_IN, True),
    errno.ENODEV: ("the camera was unplugged", "plug it in again", True),
    errno.EIO: ("the camera does not answer", "unplug it and plug it in again", True),
    errno.EBUSY: ("another program uses the camera", "close that program", True),
    # For a moment after plugging in, a device belongs to root alone: waiting may help.
    errno.EACCES: ("permission to use the camera is denied", "join the group 'video'", True),
    errno.EPERM: ("permission to use the camera is denied", "join the group 'video'", True),
    errno.ENOTTY: ("the device takes no pictures", "name another one of the camera's", False),
    errno.EINVAL: ("the device takes no pictures", "name another one of the camera's", False),
}


class CameraSource:
    """The pictures of one local camera, 1280x720 at 30 a second where it can.

    Video4Linux stamps each picture with the moment of its capture on the system's monotonic clock;
    that is `captured_at_s`, with `clock` ``sender``, where it can be believed (`SenderClock`). A
    driver that hangs is noticed after the read timeout, though its thread cannot be ended.
    """

    live = True

    def __init__(self, target: str, options: SourceOptions) -> None:
        self._device = f"/dev/video{target}" if target.isdigit() else target
        self._shown = f"camera:{target}"
        self._options = options
        self.decoder = ""

    def run(self, emit: Emit, stop: threading.Event) -> None:
        """Open and relay until `stop` or a fault.

        Raises: SourceError in words: no such camera, unplugged, in use, not permitted, silent.
        """
        silence = Silence(self._options.open_timeout_s, self._options.read_timeout_s)
        use_v4l2 = sys.platform == "linux" and "video4linux2,v4l2" in av.formats_available
        work = self._through_ffmpeg if use_v4l2 else self._through_opencv
        if silence.guard(work, emit, stop):
            raise self._error("the camera sends nothing", "unplug it and plug it in again")

    def _through_ffmpeg(self, emit: Emit, stop: threading.Event) -> None:
        try:
            with self._open() as container:
                stream = video_stream(container)
                if stream is None:
                    raise self._error("its pictures cannot be decoded", "try another", False)
                decoder = Decoder(stream)
                self.decoder = decoder.name
                relay = LiveRelay(
                    decoder,
                    self._options.clock,
                    self._shown,
                    sent=self._sent,
                    patience_s=self._options.open_timeout_s,
                )
                if not relay.run(container.demux(stream), emit, stop):
                    return
        except NoPictures:
            raise self._error("its pictures cannot be decoded", "try another camera") from None
        except (av.error.FFmpegError, OSError) as exc:
            raise self._fault(exc) from exc
        raise self._error("the camera stopped", "unplug it and plug it in again")

    def _open(self) -> InputContainer:
        refused: Exception | None = None
        for mode in _MODES:
            try:
                return av.open(self._device, format="v4l2", options=mode)
            except (av.error.FFmpegError, OSError) as exc:
                refused = exc
                if getattr(exc, "errno", None) not in {errno.EINVAL, errno.EIO, errno.ENOTTY}:
                    break
        assert refused is not None
        raise refused

    def _sent(self, packet: av.Packet[VideoStream]) -> Sent:
        if packet.pts is None or packet.time_base is None:
            return Sent(None)
        return Sent(self._options.clock.wall_s(float(packet.pts * packet.time_base)))

    def _through_opencv(self, emit: Emit, stop: threading.Event) -> None:
        device = self._device
        number = re.search(r"\d+$", device)
        camera = cv2.VideoCapture(int(number[0]) if number else device)
        try:
            if not camera.isOpened():
                raise self._error(
                    "the camera cannot be opened", "check that it is plugged in, free and permitted"
                )
            camera.set(cv2.CAP_PROP_FRAME_WIDTH, 1280)
            camera.set(cv2.CAP_PROP_FRAME_HEIGHT, 720)
            self.decoder = f"opencv {camera.getBackendName().lower()} (software)"
            for capture in self._grabbed(camera):
                if stop.is_set() or not emit(capture):
                    return
        finally:
            camera.release()
        raise self._error("the camera stopped", "unplug it and plug it in again")

    def _grabbed(self, camera: cv2.VideoCapture) -> Iterator[Capture]:
        clock = self._options.clock
        timeline = Timeline(1 / 30)
        while camera.grab():
            arrived_s = clock.now_s()
            ok, pixels = camera.retrieve()
            if not ok:
                return
            bgr = np.asarray(pixels, np.uint8)
            yield Capture(
                media_time_s=timeline.place(arrived_s),
                captured_at_s=arrived_s,
                arrived_at_s=arrived_s,
                decoded_at_s=clock.now_s(),
                clock="arrival",
                size_px=(bgr.shape[1], bgr.shape[0]),
                convert=_to_rgb(bgr),
                thumbnail=partial(green_thumbnail, bgr),
            )

    def _fault(self, exc: Exception) -> SourceError:
        number = getattr(exc, "errno", None) or 0
        problem, remedy, retryable = _WORDS.get(
            number, ("the camera cannot be used", "unplug it and plug it in again", True)
        )
        return self._error(problem, remedy, retryable)

    def _error(self, problem: str, remedy: str, retryable: bool = True) -> SourceError:
        return SourceError(self._shown, problem, remedy, retryable=retryable)


def _to_rgb(bgr: Pixels) -> Callable[[], Pixels]:
    return lambda: np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)
