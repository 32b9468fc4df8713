"""Untrusted clips, decoded in a process of their own."""

from __future__ import annotations

import socket
import threading
from typing import Any, BinaryIO, Final, NoReturn

import av
import av.error
import numpy as np
from av.container import InputContainer
from av.video.stream import VideoStream
from PIL import Image

from stream.clock import ManualClock
from stream.files import wire
from stream.files.errors import Broken, TooLarge, UnknownFormat
from stream.files.pictures import look_size
from stream.sources.decoding import Decoder, video_stream
from stream.sources.file import FORMATS
from stream.sources.playback import Playback, is_short, promised_s
from stream.types import Capture, Pixels

MARKS: Final = ((4, b"ftyp"), (0, b"\x1aE\xdf\xa3"), (0, b"RIFF"), (0, b"OggS"), (0, b"FLV"))
"""Where common containers have their mark: such a file is damaged, and not of another kind."""


def decode_clip(channel: socket.socket, media: BinaryIO, request: dict[str, Any]) -> dict[str, Any]:
    """Send those of the file's pictures that are to be looked at.

    With ``first_only`` one picture is decoded, to know that it can be.

    Raises: FileError; MemoryError; OSError when the service has gone.
    """
    with _opened(media) as container:
        stream = _checked(container, request)
        reel = _Reel(channel, stream, request)
        promise_s = promised_s(container, stream)
        if promise_s is not None and promise_s > request["seconds"]:
            raise TooLarge(f"it plays for {promise_s:.0f} s: at most {request['seconds']:g} s")
        wire.send(channel, {"begin": reel.begin(container.format.name, promise_s)})
        try:
            reel.playback.run(container.demux(stream), reel.emit, threading.Event())
        except (av.error.FFmpegError, ValueError) as exc:
            if not reel.frames:
                raise Broken(f"no picture of it can be decoded ({exc})") from exc
    if reel.gone:
        raise OSError("the service has gone")
    if not reel.frames:
        raise Broken("no picture of it can be decoded: check that the file is complete")
    played_s = reel.playback.played_s or 0.0
    short = not request["first_only"] and is_short(played_s, promise_s)
    return {"played_s": played_s, "frames": reel.frames, "cut_short": short}


def _opened(media: BinaryIO) -> InputContainer:
    try:
        return av.open(
            media,
            "r",
            options={"format_whitelist": FORMATS, "protocol_whitelist": "none"},
            metadata_errors="ignore",
            io_open=_refuse,
        )
    except MemoryError:
        raise
    except (av.error.FFmpegError, OSError, ValueError) as exc:
        media.seek(0)
        head = media.read(16)
        if any(head[at : at + len(mark)] == mark for at, mark in MARKS):
            raise Broken("the clip's header is damaged or cut off: copy it again") from exc
        raise UnknownFormat(
            "no clip in a format that is read here: send MP4, WebM, MKV, MOV, AVI or MPEG"
        ) from exc


def _refuse(url: str, flags: int, options: dict[str, str]) -> NoReturn:
    """Nothing that a file names is opened."""
    raise PermissionError("a clip may not refer to other files")


def _checked(container: InputContainer, request: dict[str, Any]) -> VideoStream:
    if not container.streams.video:
        raise Broken("there is no video in it")
    stream = video_stream(container)
    if stream is None:
        raise UnknownFormat("its codec cannot be decoded here: convert it to H.264")
    context = stream.codec_context
    if context.width * context.height > request["pixels"]:
        raise TooLarge(
            f"its pictures are {context.width}×{context.height}: at most {request['pixels']} pixels"
        )
    if stream.frames > request["frames"]:
        raise TooLarge(f"it has {stream.frames} pictures: at most {request['frames']}")
    # A picture further on may say another size.
    context.options = {**context.options, "max_pixels": str(request["pixels"])}
    return stream


class _Reel:
    """Counts what is decoded against the limits, and sends what is to be looked at."""

    def __init__(
        self, channel: socket.socket, stream: VideoStream, request: dict[str, Any]
    ) -> None:
        self._channel = channel
        self._request = request
        self._decoder = Decoder(stream)
        self._stream = stream
        self._score_due_s = self._look_due_s = 0.0
        self.frames = 0
        self.gone = False
        self.playback = Playback(self._decoder, ManualClock(), paced=False)

    def begin(self, container: str, promise_s: float | None) -> dict[str, Any]:
        """What is known before the first picture."""
        context = self._stream.codec_context
        return {
            "format": container,
            "decoder": self._decoder.name,
            "size_px": (context.width, context.height),
            "duration_s": promise_s,
        }

    def emit(self, capture: Capture) -> bool:
        """Take the next picture; False when no more are wanted.

        Raises: TooLarge.
        """
        self.frames += 1
        request = self._request
        if self.frames > request["frames"]:
            raise TooLarge(f"it has more than {request['frames']} pictures")
        if capture.media_time_s > request["seconds"]:
            raise TooLarge(f"it plays for more than {request['seconds']:g} s")
        if self._is_due(capture.media_time_s):
            self._send(capture)
        return not (self.gone or request["first_only"])

    def _is_due(self, at_s: float) -> bool:
        # Live, a face is seen in one picture, scored in the next one, and from then on whenever it
        # is due: the same pictures are sent, so that the same ones are scored, and some in between.
        request = self._request
        is_scored = self.frames > 1 and at_s >= self._score_due_s
        if is_scored:
            self._score_due_s = at_s + request["score_interval_s"]
        if not is_scored and at_s < self._look_due_s:
            return False
        self._look_due_s = at_s + request["look_interval_s"]
        return True

    def _send(self, capture: Capture) -> None:
        width, height = capture.size_px
        pixels = _small(capture.convert(), look_size(width, height))
        body = {
            "media_time_s": capture.media_time_s,
            "shape": pixels.shape,
            "size_px": capture.size_px,
            "corrupt": capture.corrupt,
            "quantiser": capture.quantiser(),
        }
        try:
            wire.send(self._channel, {"picture": body}, pixels.data)
        except OSError:
            self.gone = True


def _small(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    if pixels.shape[1::-1] != size:
        # Averaged over area, as crops are: no detail aliases.
        small = Image.fromarray(pixels).resize(size, Image.Resampling.BOX)
        return np.ascontiguousarray(small, np.uint8)
    return np.ascontiguousarray(pixels)  # FFmpeg's rows may be padded, a socket's are not
