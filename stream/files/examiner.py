"""Examiner: one picture or one clip through the pipeline of live streams, as fast as it goes."""

from __future__ import annotations

import asyncio
import base64
import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import BinaryIO, Final, Protocol

import cv2
import numpy as np

from engines.spec import CropGeometry, ModelSpec
from stream.files.course import Course, clip_state, crop_box, highest
from stream.files.errors import Broken
from stream.files.media import Facts, SentFile, clip_request, picture_request
from stream.files.options import FilesOptions
from stream.files.result import Box, ClipResult, PictureResult, StillFace
from stream.files.sandbox import Sandbox
from stream.messages import Face, OverlayMessage
from stream.session import Session
from stream.sources.base import Source
from stream.types import Capture, Pixels

HEATMAP_SIDE: Final = 224
MOMENT_SIDE: Final = 256
DECODERS: Final = 2
"""Pictures and headers of clips that are decoded at once, besides the job's own clip."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a clip is analysed. `share` is None where its header says no length."""

    played_s: float
    share: float | None


class OpenSession(Protocol):
    """Makes a session over a source that is read as fast as it is analysed."""

    def __call__(self, open_source: Callable[[], Source], *, still: bool) -> Session:
        """`still`: of a single picture, whose faces are reported at first sight."""


class Examiner:
    """Analyses files that somebody sent; an async context manager. Leaving ends every decoder.

    Files are open for reading in binary, with a descriptor; they are left open, at any position.
    Everything is called on the event loop, which nothing here holds up.
    """

    def __init__(
        self,
        open_session: OpenSession,
        spec: ModelSpec,
        options: FilesOptions,
        target_fps: float,
    ) -> None:
        if spec.crop is None:
            raise ValueError(f"{spec.name} names no crop geometry: it is no face detector")
        self.options = options
        self._open_session = open_session
        self._geometry = spec.crop
        self._target_fps = target_fps
        self._sandbox = Sandbox()
        self._room = asyncio.Semaphore(DECODERS)

    async def __aenter__(self) -> Examiner:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await asyncio.to_thread(self._sandbox.__exit__, kind, error, traceback)

    async def probe(self, file: BinaryIO) -> Facts:
        """Decode a clip's header and first picture.

        Raises: FileError for what cannot be analysed.
        """
        request = clip_request(self.options, self._target_fps, first_only=True)
        media = SentFile(self._sandbox, file, request)
        async with self._room:
            stop = threading.Event()
            try:
                await asyncio.to_thread(media.run, _ignore, stop)
            except Exception:
                if media.failure is None:
                    raise
            finally:
                stop.set()
        if media.failure or media.facts is None:
            raise media.failure or Broken("there is no picture in it")
        return media.facts

    async def picture(self, file: BinaryIO, *, heatmaps: bool = False) -> PictureResult:
        """Analyse one picture.

        Raises: FileError.
        """
        media = SentFile(self._sandbox, file, picture_request(self.options))
        said: list[OverlayMessage] = []
        async with self._room:
            await self._watch(media, said.append, still=True)
        if not said:
            raise Broken("the networks failed on it: try again, and see the log")
        facts, message = _facts(media), said[0]
        across, down = _scale(media, message)
        faces = tuple(
            _still(face, self._geometry, (across, down), heatmaps) for face in message.faces
        )
        known = [face.probability_fake for face in faces if face.probability_fake is not None]
        return PictureResult(
            size_px=facts.size_px,
            format=facts.format,
            animated=facts.animated,
            state=message.state,
            probability_fake=max(known, default=None),
            faces=faces,
            degraded=message.health.degraded,
        )

    async def clip(
        self,
        file: BinaryIO,
        progress: Callable[[Progress], None] | None = None,
        *,
        moments: int = 3,
        pictures: bool = False,
    ) -> ClipResult:
        """Analyse one clip; `progress` is called after each picture that was looked at.

        For each face the `moments` most telling frames are kept, with `pictures` of them as JPEG.
        Cancelling ends the decoder and returns within half a second.

        Raises: FileError.
        """
        media = SentFile(self._sandbox, file, clip_request(self.options, self._target_fps))

        def cut_out(at_s: float, crop_px: Box) -> str | None:
            pixels = media.pixels_at(at_s)
            return None if pixels is None else _jpeg(pixels, crop_px)

        course = Course(self._geometry, moments, cut_out if pictures else None)

        def take(message: OverlayMessage) -> None:
            course.add(message, _scale(media, message))
            if progress:
                progress(_progress(media, message.media_time_s))

        session = await self._watch(media, take, still=False)
        if course.messages < media.emitted:
            raise Broken("the networks failed on it: try again, and see the log")
        return _clip_result(media, course, session)

    async def _watch(
        self, media: SentFile, take: Callable[[OverlayMessage], None], *, still: bool
    ) -> Session:
        session = self._open_session(lambda: media, still=still)

        async def read() -> None:
            with session.subscribe("file", 1, awaited=True) as messages:
                reading.set()
                async for message in messages:
                    take(message)

        reading = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(read())
            await reading.wait()
            group.create_task(session.run())
        if media.failure:
            raise media.failure
        if session.error or not media.emitted or media.ending is None:
            raise Broken("no picture of it can be analysed: try again, and see the log")
        return session


def _ignore(capture: Capture) -> bool:
    return True


def _facts(media: SentFile) -> Facts:
    assert media.facts is not None
    return media.facts


def _progress(media: SentFile, at_s: float) -> Progress:
    promise_s = _facts(media).duration_s
    return Progress(at_s, min(1.0, at_s / promise_s) if promise_s else None)


def _scale(media: SentFile, message: OverlayMessage) -> tuple[float, float]:
    """From the analysed picture's pixels to those of the file's."""
    (width, height), (looked_w, looked_h) = media.shown_px, message.frame_size_px
    return width / looked_w, height / looked_h


def _clip_result(media: SentFile, course: Course, session: Session) -> ClipResult:
    facts, ending, faces = _facts(media), media.ending, course.faces()
    assert ending is not None
    top = highest(faces)
    return ClipResult(
        format=facts.format,
        decoder=facts.decoder,
        size_px=media.shown_px,
        frames=ending.frames,
        played_s=round(ending.played_s, 3),
        cut_short=ending.cut_short,
        engine=session.identity.engine,
        device=session.identity.device,
        state=clip_state(faces) or "no_face",
        probability_fake=None if top is None else top.probability_fake,
        track_id=None if top is None else top.track_id,
        reasons=() if top is None else top.reasons,
        quality=0.0 if top is None else top.quality,
        undecided_share=round(course.undecided_share, 3),
        faces=faces,
        degraded=course.degraded,
    )


def _still(
    face: Face, geometry: CropGeometry, scale: tuple[float, float], heatmap: bool
) -> StillFace:
    across, down = scale
    x1, y1, x2, y2 = face.box_px
    c1, d1, c2, d2 = crop_box(face, geometry)
    points = tuple((round(x * across, 2), round(y * down, 2)) for x, y in face.landmarks_px)
    return StillFace(
        box_px=_rounded(x1 * across, y1 * down, x2 * across, y2 * down),
        landmarks_px=points,  # type: ignore[arg-type]
        crop_px=_rounded(c1 * across, d1 * down, c2 * across, d2 * down),
        probability_fake=face.frame_probability_fake,
        quality=face.quality,
        state=face.state,
        reasons=face.reasons,
        heatmap_png=_png(face.heatmap) if heatmap and face.heatmap else None,
    )


def _rounded(x1: float, y1: float, x2: float, y2: float) -> Box:
    return round(x1, 2), round(y1, 2), round(x2, 2), round(y2, 2)


def _png(heatmap: str) -> str:
    """196 bytes in base64, as a coloured PNG of `HEATMAP_SIDE`, the most suspicious in red."""
    grey = np.frombuffer(base64.b64decode(heatmap), np.uint8).reshape(14, 14)
    large = cv2.resize(grey, (HEATMAP_SIDE, HEATMAP_SIDE), interpolation=cv2.INTER_CUBIC)
    return _encoded(".png", cv2.applyColorMap(large, cv2.COLORMAP_TURBO))


def _jpeg(pixels: Pixels, crop_px: Box) -> str:
    """The square `crop_px` of a picture, black beyond its edge, at most `MOMENT_SIDE` wide."""
    x1, y1, x2, y2 = (round(value) for value in crop_px)
    height, width = pixels.shape[:2]
    inner = pixels[max(y1, 0) : min(y2, height), max(x1, 0) : min(x2, width)]
    outer = np.zeros((max(y2 - y1, 1), max(x2 - x1, 1), 3), np.uint8)
    top, left = max(-y1, 0), max(-x1, 0)
    outer[top : top + inner.shape[0], left : left + inner.shape[1]] = inner
    side = min(outer.shape[0], MOMENT_SIDE)
    small = cv2.resize(outer, (side, side), interpolation=cv2.INTER_AREA)
    return _encoded(".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR))


def _encoded(kind: str, picture: cv2.typing.MatLike) -> str:
    ok, data = cv2.imencode(kind, picture)
    assert ok
    return base64.b64encode(data.tobytes()).decode()
