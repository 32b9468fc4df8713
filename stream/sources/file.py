"""FileSource: a local video file, played as a camera would send it or as fast as it is taken."""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from typing import Final

import av
import av.error
from av.container import InputContainer

from stream.errors import SourceError
from stream.sources.base import Emit, SourceOptions
from stream.sources.decoding import Decoder, video_stream
from stream.sources.playback import Playback

log = logging.getLogger(__name__)

# Only containers that hold their own pictures: a playlist or concat script named .mp4 would make
# FFmpeg open whatever it lists.
FORMATS: Final = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,flv,ogg,asf,h264,hevc,m4v,"
    "mjpeg,ivf,gif,yuv4mpegpipe,mxf,nut,rm,wtv,dv,obu,av1,vc1"
)


class FileSource:
    """The pictures of one local file; `run` returns at its end. `Playback` says what times mean.

    Only local files of known containers are opened: nothing that a file names is followed.
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
            self._play(container, emit, stop)

    def _check(self) -> None:
        path = self._path
        try:
            if not path.exists():
                raise self._error("there is no such file", "check the path")
            if not path.is_file():
                camera = str(path).startswith("/dev/video")
                remedy = f"for a camera write camera:{path}" if camera else "name a video file"
                raise self._error("is not a file", remedy)
            if path.stat().st_size == 0:
                raise self._error("the file is empty", "record or copy it again")
        except (OSError, ValueError) as exc:
            raise self._error("cannot be looked at", "check the path and its permissions") from exc

    def _play(self, container: InputContainer, emit: Emit, stop: threading.Event) -> None:
        if not container.streams.video:
            raise self._error("has no video stream", "name a file with pictures in it")
        stream = video_stream(container)
        if stream is None:
            raise self._error("its codec cannot be decoded here", "convert it to H.264")
        decoder = Decoder(stream)
        self.decoder = decoder.name
        playback = Playback(decoder, self._options.clock, paced=self._options.paced)
        ended = True
        try:
            ended = playback.run(container.demux(stream), emit, stop)
        except (av.error.FFmpegError, OSError) as exc:
            log.debug("%s ends early: %s", self._shown, exc)
        if not ended:
            return
        if playback.played_s is None:
            raise self._undecodable()
        playback.warn_if_short(container, stream, self._shown)

    def _undecodable(self) -> SourceError:
        return self._error("is no video that can be decoded", "check that the file is complete")

    def _error(self, problem: str, remedy: str) -> SourceError:
        return SourceError(self._shown, problem, remedy, retryable=False)
