"""A swap that is switched on and off within a real clip, at known times."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
import numpy as np
from numpy.typing import NDArray

from stream.faces.finder import FaceFinder
from stream.types import FaceTrack, Pixels, TrackState
from training.evaluate.clips.finding import opened_finder, pictures
from training.evaluate.clips.folder import Clip
from training.evaluate.clips.live import Pipeline
from training.evaluate.clips.variant import TIME_BASE, measure, picture
from training.evaluate.clips.watched import Watched
from training.fakes import forge
from training.portrait import Portrait

METHOD: Final = "swap_network"
AROUND: Final = 2.2
"""The part of the picture that the forgery sees, in box sides."""
SHORTEST_S: Final = 9.0
LEAST_PX: Final = 60.0
QUALITY: Final = "18"
"""x264's constant rate factor: near lossless, so that the swap and not the codec is judged."""


@dataclass(frozen=True, slots=True)
class Splice:
    """Where a clip's largest face is swapped, in media time."""

    on_s: float
    off_s: float


@dataclass(frozen=True, slots=True)
class Course:
    """What the program said of a splice: seconds from the switch on to the alarm, from it to the
    moment that was reported, and from the switch off to the end of the alarm; None for never.
    `early` counts alarms before the switch.
    """

    clip: str
    alarm_after_s: float | None
    reported_off_by_s: float | None
    recovered_after_s: float | None
    early: int

    def __str__(self) -> str:
        before = f"; {self.early} alarms before the switch" if self.early else ""
        if self.alarm_after_s is None:
            return f"{self.clip}: no alarm while the swap was on{before}"
        since, over = self.reported_off_by_s, self.recovered_after_s
        reported = "" if since is None else f", which is reported {since:+.2f} s off"
        ended = "not over by the end" if over is None else f"over {over:.2f} s after the switch off"
        after = f"alarm {self.alarm_after_s:.2f} s after the switch on"
        return f"{self.clip}: {after}{reported}; {ended}{before}"


def splices(clips: Sequence[Clip], program: Pipeline) -> Iterator[str]:
    """Splice each clip that is long enough, with a face of the next one, and say what came of it.

    Raises: OSError; EngineError.
    """
    portraits = [first_portrait(clip.path) for clip in clips]
    with tempfile.TemporaryDirectory(prefix="splice-") as folder:
        for place, clip in enumerate(clips):
            others = [*portraits[place + 1 :], *portraits[:place]]
            donor = next((portrait for portrait in others if portrait is not None), None)
            if portraits[place] is None or donor is None:
                yield f"{clip.name}: no face to swap, or none to put in"
            elif measure(clip.path).seconds < SHORTEST_S:
                yield f"{clip.name}: shorter than {SHORTEST_S:g} s"
            else:
                file = Path(folder) / f"{place}.mkv"
                splice = write_splice(clip.path, donor, file)
                yield str(follow(program, clip.name, file, splice))
                file.unlink()


def first_portrait(clip: Path) -> Portrait | None:
    """Give the largest face of the first picture that shows one clearly; None without any."""
    with opened_finder() as finder:
        for shown in pictures(clip):
            track = _largest(finder, shown.pixels, shown.time_s)
            if track is not None:
                return _portrait(shown.pixels, track)[0]
    return None


def write_splice(clip: Path, donor: Portrait, target: Path, seed: int = 0) -> Splice:
    """Swap the largest face in the middle third of a clip; the rest goes through the same codec.

    The forgery's own draws are the same in each frame: a swap does not change its manner.

    Raises: OSError or ValueError for the clip.
    """
    length_s = max(shown.time_s for shown in pictures(clip))
    splice = Splice(length_s / 3, 2 * length_s / 3)
    with opened_finder() as finder, av.open(str(target), "w", format="matroska") as sink:
        stream = sink.add_stream("libx264", rate=25, options={"crf": QUALITY, "preset": "veryfast"})
        for index, shown in enumerate(pictures(clip)):
            pixels, time_s = shown.pixels, shown.time_s
            if not index:
                stream.height, stream.width = (side // 2 * 2 for side in pixels.shape[:2])
                stream.codec_context.time_base = TIME_BASE
            track = _largest(finder, pixels, time_s)
            if track is not None and splice.on_s <= time_s < splice.off_s:
                _swap(pixels, track, donor, seed)
            frame = picture(pixels[: stream.height, : stream.width], "h264")
            frame.pts, frame.time_base = round(Fraction(time_s) / TIME_BASE), TIME_BASE
            sink.mux(stream.encode(frame))
        sink.mux(stream.encode(None))
    return splice


def follow(program: Pipeline, name: str, file: Path, splice: Splice) -> Course:
    """Watch a spliced file.

    Raises: ValueError where the program cannot read it.
    """
    (watched,) = program.watch([file])
    if isinstance(watched, str):
        raise ValueError(f"{name}: {watched}")
    return course(name, watched, splice)


def course(name: str, watched: Watched, splice: Splice) -> Course:
    """Compare what was said with what was done."""
    inside = [a for a in watched.alarms if splice.on_s <= a.at_s < splice.off_s]
    first = inside[0] if inside else None
    over = first.until_s if first else None
    since = first.since_s if first else None
    return Course(
        clip=name,
        alarm_after_s=None if first is None else first.at_s - splice.on_s,
        reported_off_by_s=None if since is None else since - splice.on_s,
        recovered_after_s=None if over is None else over - splice.off_s,
        early=sum(alarm.at_s < splice.on_s for alarm in watched.alarms),
    )


def _largest(finder: FaceFinder, pixels: Pixels, time_s: float) -> FaceTrack | None:
    tracks = finder.update(pixels, time_s)
    seen = [track for track in tracks if track.state is TrackState.CONFIRMED]
    best = max(seen, key=_side, default=None)
    return None if best is None or _side(best) < LEAST_PX else best


def _side(track: FaceTrack) -> float:
    box = track.detection.box_px
    return float((box[2:] - box[:2]).max())


def _portrait(pixels: Pixels, track: FaceTrack) -> tuple[Portrait, tuple[slice, slice]]:
    """The face with what is around it, and where that lies in the picture."""
    box, reach = track.detection.box_px, AROUND * _side(track) / 2
    middle = (box[:2] + box[2:]) / 2
    low = np.maximum(middle - reach, 0).astype(int)
    high = np.minimum(middle + reach, [pixels.shape[1], pixels.shape[0]]).astype(int)
    place = (slice(low[1], high[1]), slice(low[0], high[0]))
    landmarks: NDArray[np.float32] = (track.detection.landmarks_px - low).astype(np.float32)
    return Portrait(np.ascontiguousarray(pixels[place]), landmarks), place


def _swap(pixels: Pixels, track: FaceTrack, donor: Portrait, seed: int) -> None:
    portrait, place = _portrait(pixels, track)
    forged = forge(METHOD, portrait, donor, np.random.default_rng(seed))
    pixels[place] = forged.pixels
