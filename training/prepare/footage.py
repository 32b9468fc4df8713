"""Crops from one video or picture, by the finder and the cropping that run live.

The tracker needs neighbouring looks, so a video is looked at `looks_per_s` times a second from its
start to its end, and each confirmed face's crops are chosen from those looks.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from stream.clock import MonotonicClock
from stream.errors import SourceError
from stream.faces.align import crop_faces
from stream.faces.cascade import Cascade
from stream.faces.finder import FaceFinder
from stream.faces.options import FacesOptions
from stream.faces.quality import assess
from stream.sources.base import SourceOptions
from stream.sources.file import FileSource
from stream.types import Capture, FaceTrack, Pixels, TrackState
from training.crops import GEOMETRY, decode, read_picture
from training.manifest import Face, write_landmarks
from training.prepare.item import PICTURES, Crop, Drop, Footage, Unreadable
from training.prepare.phash import phash
from training.prepare.sampling import EvenSample
from training.prepare.settings import Settings
from training.prepare.square import cut_square, encode_square

LIVE: Final = FacesOptions(sure_confidence=1.0)
"""What a network learns from is seen twice, however sure the cascade is."""
STILL: Final = replace(LIVE, confirm_hits=1)
"""A picture is looked at once."""


@dataclass(frozen=True, slots=True)
class Shot:
    """One look at a face: the stored square, its landmarks' shares, the box's side, the weight."""

    square: Pixels
    landmarks: NDArray[np.float32]
    face_px: int
    quality: float


@dataclass(slots=True)
class Person:
    """One track so far. `shown` sums the box's area over all looks."""

    sample: EvenSample[Shot]
    shown: float = 0.0
    poor: Counter[str] = field(default_factory=Counter)


class Watcher:
    """Follows the faces of one file and keeps some crops of each."""

    def __init__(self, cascade: Cascade, options: FacesOptions, settings: Settings) -> None:
        self._finder = FaceFinder(cascade, options)
        self._settings = settings
        self.people: dict[int, Person] = {}

    def look(
        self,
        pixels: Pixels,
        media_time_s: float,
        corrupt: bool = False,
        quantiser: float | None = None,
    ) -> None:
        """Take the next picture; one decoded with errors is followed, but not cut."""
        for track in self._finder.update(pixels, media_time_s):
            if track.state is TrackState.CONFIRMED and not corrupt:
                self._take(track, pixels, media_time_s, quantiser)

    def _take(
        self, track: FaceTrack, pixels: Pixels, media_time_s: float, quantiser: float | None
    ) -> None:
        count = self._settings.per_track
        person = self.people.setdefault(track.track_id, Person(EvenSample(count)))
        x1, y1, x2, y2 = (float(value) for value in track.detection.box_px)
        person.shown += (x2 - x1) * (y2 - y1)
        if not person.sample.wants(media_time_s):
            return
        face = track.detection
        crops, _ = crop_faces(pixels, face.box_px[None], face.landmarks_px[None], GEOMETRY)
        crop = np.asarray(crops[0], np.uint8)
        size = (pixels.shape[1], pixels.shape[0])
        quality = assess(crop, face, size, GEOMETRY, corrupt=False, quantiser=quantiser)
        if quality.weight <= self._settings.least_quality:
            person.poor.update(quality.reasons or ("low_quality",))
            return
        square, landmarks = cut_square(pixels, face, self._settings)
        shot = Shot(square, landmarks, round(max(x2 - x1, y2 - y1)), quality.weight)
        person.sample.add(media_time_s, shot)


def harvest_footage(
    item: Footage, cascade: Cascade, settings: Settings, drops: list[Drop]
) -> Iterator[tuple[Crop, bytes]]:
    """Give the crops of one file; what is left out is added to `drops`.

    Of a fake only the face that is shown most is taken: the others may be untouched.

    Raises: Unreadable; InferenceFailed.
    """
    watcher = _watched(item.path, cascade, settings)
    people = sorted(watcher.people.items(), key=lambda entry: (-entry[1].shown, entry[0]))
    if not people:
        drops.append(Drop(item.key, "no face"))
    elif item.fake and len(people) > 1:
        drops.append(Drop(item.key, "another face of a fake", len(people) - 1))
        people = people[:1]
    for track_id, person in people:
        for reason, count in sorted(person.poor.items()):
            drops.append(Drop(item.key, f"poor quality: {reason}", count))
        for media_time_s, shot in person.sample.chosen():
            yield _crop(item, track_id, media_time_s, shot, settings)


def _watched(path: Path, cascade: Cascade, settings: Settings) -> Watcher:
    if path.suffix.lower() in PICTURES:
        watcher = Watcher(cascade, STILL, settings)
        try:
            watcher.look(read_picture(path.read_bytes(), path.name), 0.0)
        except (OSError, ValueError, cv2.error) as exc:
            raise Unreadable(f"{path}: {exc}") from exc
        return watcher
    watcher = Watcher(cascade, LIVE, settings)
    interval_s, due_s = 1 / settings.looks_per_s, 0.0

    def emit(capture: Capture) -> bool:
        nonlocal due_s
        # The slack is for time stamps in milliseconds.
        if capture.media_time_s >= due_s - 1e-3:
            watcher.look(
                capture.convert(), capture.media_time_s, capture.corrupt, capture.quantiser()
            )
            due_s = max(due_s + interval_s, capture.media_time_s)
        return True

    source = FileSource(str(path), SourceOptions(MonotonicClock(), paced=False))
    try:
        source.run(emit, threading.Event())
    except SourceError as exc:
        raise Unreadable(str(exc)) from exc
    return watcher


def _crop(
    item: Footage, track_id: int, media_time_s: float, shot: Shot, settings: Settings
) -> tuple[Crop, bytes]:
    encoded = encode_square(shot.square, settings)
    stored = Face(encoded, item.fake, item.source, "", "", settings.margin)
    ending = "jpg" if settings.picture == "jpeg" else "png"
    crop = Crop(
        file=f"{item.name}.{track_id:02}.{round(media_time_s * 1000):07}.{ending}",
        fake=item.fake,
        source=item.source,
        identities=item.identities,
        crop_scale=settings.margin,
        phash=f"{phash(decode(stored)):016x}",
        method=item.method,
        licence=item.licence,
        face_px=str(shot.face_px),
        landmarks=write_landmarks(shot.landmarks),
        quality=shot.quality,
        media_time_s=media_time_s,
        split=item.split,
    )
    return crop, encoded
