"""SentFile: a file that somebody sent, as a source of pictures."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

import numpy as np

from stream.analyzer import DUE_EARLY
from stream.errors import SourceError
from stream.files.errors import BY_STATUS, Broken, FileError, TooLarge
from stream.files.options import FilesOptions
from stream.files.sandbox import Sandbox
from stream.files.wire import Closed
from stream.sources.base import Emit
from stream.types import Capture, Pixels, green_thumbnail

LOOKS_PER_SCORE: Final = 2
"""For each picture in which faces are scored there is one in between, for faces that move
unsteadily and for those that come in: 9 pictures a second are converted and sent over, not 30."""
PICTURE_CPU_S: Final = 20
CLIP_CPU_SHARE: Final = 1.0
"""Of the playing time that is allowed: a clip that takes longer to decode is made to be slow."""
KEPT: Final = 4
"""Pictures that the pipeline may be behind: one in the slot, one analysed, one told of."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the file's header says. `size_px` is (width, height) as the picture is coded for a clip,
    upright for a picture; `duration_s` is None where the header does not say.
    """

    format: str
    decoder: str
    size_px: tuple[int, int]
    duration_s: float | None = None
    animated: bool = False


@dataclass(frozen=True, slots=True)
class Ending:
    """How far decoding came: pictures, seconds, and whether the header promised clearly more."""

    frames: int
    played_s: float
    cut_short: bool


def picture_request(options: FilesOptions) -> dict[str, Any]:
    """What is asked of a decoding process that gets a picture."""
    return {
        "kind": "picture",
        "pixels": options.picture_pixels,
        "memory_mb": options.decode_memory_mb,
        "cpu_s": PICTURE_CPU_S,
    }


def clip_request(
    options: FilesOptions, target_fps: float, *, first_only: bool = False
) -> dict[str, Any]:
    """What is asked of a decoding process that gets a clip."""
    interval_s = (1 - DUE_EARLY) / target_fps
    return {
        "kind": "clip",
        "pixels": options.clip_pixels,
        "frames": options.clip_frames,
        "seconds": options.clip_seconds,
        "score_interval_s": interval_s,
        "look_interval_s": interval_s / LOOKS_PER_SCORE,
        "first_only": first_only,
        "memory_mb": options.decode_memory_mb,
        "cpu_s": PICTURE_CPU_S + CLIP_CPU_SHARE * options.clip_seconds,
    }


class SentFile:
    """The pictures of one file, decoded in a process of its own; a `stream.sources.base.Source`.

    Pictures come with their pixels, so that the inference thread never waits for a decoder. After
    `run`, `facts` and `ending` hold what is known of the file, `failure` what is wrong with it.
    """

    live = False

    def __init__(self, sandbox: Sandbox, file: BinaryIO, request: dict[str, Any]) -> None:
        self._sandbox = sandbox
        self._file = file
        self._request = request
        self._recent: deque[tuple[float, Pixels]] = deque(maxlen=KEPT)
        self.decoder = ""
        self.facts: Facts | None = None
        self.ending: Ending | None = None
        self.failure: FileError | None = None
        self.shown_px = (1, 1)
        self.emitted = 0

    def run(self, emit: Emit, stop: threading.Event) -> None:
        """Emit the file's pictures until its end.

        Raises: SourceError, with the reason in `failure`.
        """
        try:
            self._run(emit, stop)
        except FileError as exc:
            self.failure = exc
            raise SourceError("file", str(exc), "send another", retryable=False) from None

    def pixels_at(self, media_time_s: float) -> Pixels | None:
        """The picture of that time, as long as it is one of the last few; uint8 RGB (H, W, 3)."""
        for at_s, pixels in tuple(self._recent):
            if abs(at_s - media_time_s) < 1e-5:
                return pixels
        return None

    def _run(self, emit: Emit, stop: threading.Event) -> None:
        try:
            self._file.seek(0)
            with self._sandbox.decode(self._file, self._request) as cell:
                while self.ending is None and (said := cell.receive(stop)) is not None:
                    if not self._take(*said, emit):
                        return
        except TimeoutError:
            raise TooLarge("decoding it takes too long: send a shorter or smaller one") from None
        except (Closed, OSError):
            raise Broken(
                "its decoder was ended: the file is damaged, or takes more memory or time than it "
                "may have"
            ) from None
        except (KeyError, ValueError, TypeError):
            raise Broken("its decoder talks nonsense: the file is harmful") from None

    def _take(self, body: dict[str, Any], pixels: bytearray, emit: Emit) -> bool:
        if "picture" in body:
            return emit(self._capture(body["picture"], pixels))
        if "begin" in body:
            self._begin(body["begin"])
        elif "end" in body:
            said = body["end"]
            self.ending = Ending(
                int(said["frames"]), float(said["played_s"]), bool(said["cut_short"])
            )
        else:
            failed = body["failed"]
            raise BY_STATUS.get(failed["status"], Broken)(str(failed["problem"]))
        return True

    def _begin(self, said: dict[str, Any]) -> None:
        width, height = said["size_px"]
        promise_s = said.get("duration_s")
        self.decoder = str(said.get("decoder", said["format"]))
        self.facts = Facts(
            str(said["format"]),
            self.decoder,
            (int(width), int(height)),
            None if promise_s is None else float(promise_s),
            bool(said.get("animated", False)),
        )

    def _capture(self, said: dict[str, Any], data: bytearray) -> Capture:
        height, width, channels = said["shape"]
        pixels = np.frombuffer(data, np.uint8).reshape(height, width, channels)
        at_s = float(said["media_time_s"])
        shown = said.get("size_px") or (self.facts.size_px if self.facts else (width, height))
        self.shown_px = (int(shown[0]), int(shown[1]))
        self._recent.append((at_s, pixels))
        self.emitted += 1
        return Capture(
            media_time_s=at_s,
            captured_at_s=at_s,
            arrived_at_s=at_s,
            decoded_at_s=at_s,
            clock="arrival",
            size_px=(width, height),
            convert=lambda: pixels,
            thumbnail=lambda: green_thumbnail(pixels),
            corrupt=bool(said.get("corrupt", False)),
            quantiser=lambda: said.get("quantiser"),
        )
