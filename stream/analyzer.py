"""Analyzer: one stream's logic, from a frame to crops that are due, and from scores to a report.

No asyncio, no threads, no clock reads, and no call of the detector's engine: the scheduler owns
that one, between `observe` and `absorb`. Face detection and tracking run inside `observe`. On most
frames nothing is due: they are not converted, and known faces are shown where they should be.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from engines.spec import ModelSpec
from stream.faces.align import crop_faces
from stream.faces.quality import assess
from stream.scoring.calibration import calibrated_logit, probability_of
from stream.scoring.cusum import Cusum
from stream.scoring.options import ScoringOptions
from stream.scoring.verdict import Verdict
from stream.scoring.window import ScoreWindow
from stream.types import (
    Analysis,
    CropScore,
    FaceCrop,
    FaceReport,
    FaceScore,
    FaceTrack,
    Frame,
    Hops,
    Pixels,
    Quality,
    Reason,
    TrackState,
    WindowScore,
)

CORRUPT: Final = Quality(0.0, (Reason.DECODE_ERRORS,))
NOT_CALIBRATED: Final = (
    "the weights' alarms are not calibrated: how often they are false is unknown"
)
DUE_EARLY: Final = 0.1
"""A face is due this share of its interval early: capture times jitter, and waiting for the next
frame would cost a whole frame interval each time."""

DUE_TOGETHER: Final = 0.3
"""With a face that is due go those that will be within this share of their interval: one look then
serves all, from the second time on at no higher rate."""

SEARCH_S: Final = 0.1
"""A search of the whole picture and the frames that wait for it take about so long."""

SHOWN_LOST_S: Final = 0.3
"""A face that was in sight so lately is shown where it should be, but not scored: the networks miss
single pictures of a face that turns or blinks."""


class Finder(Protocol):
    """Finds and follows faces; `stream.faces.finder.FaceFinder` over MTCNN is one."""

    def due(
        self,
        media_time_s: float,
        thumbnail: Pixels | None,
        *,
        busy: bool = False,
        hold: bool = False,
    ) -> bool:
        """Whether the next frame should be looked at; later if `busy`, where that can be, and with
        `hold` what takes long.
        """

    def predict(self, media_time_s: float) -> tuple[FaceTrack, ...]:
        """Every track that is alive, where it should be on a frame that is not looked at."""

    def update(
        self, pixels: Pixels, media_time_s: float, *, hold: bool = False
    ) -> tuple[FaceTrack, ...]:
        """Every track that is alive after this frame, lost ones included."""

    def reset(self) -> None:
        """Forget all tracks; ids go on counting."""


@dataclass(slots=True)
class _Person:
    """What the analyzer keeps for one track."""

    window: ScoreWindow
    cusum: Cusum | None
    verdict: Verdict
    quality: Quality
    due_s: float

    def take(self, score: FaceScore) -> None:
        """Add a calibrated score to the evidence."""
        self.window.add(score)
        if self.cusum:
            self.cusum.add(score.media_time_s, score.logit, score.quality.weight)


class Analyzer:
    """Follows one stream's faces and keeps each one's rolling score.

    For each frame, in order and from one thread at a time: where it `wants` the frame, call
    `observe`, else `coast`; and then `absorb`.
    """

    def __init__(self, finder: Finder, spec: ModelSpec, options: ScoringOptions) -> None:
        if spec.crop is None:
            raise ValueError(f"{spec.name} names no crop geometry: it is no face detector")
        self._finder = finder
        self._geometry = spec.crop
        self._calibration = spec.calibration
        self._alarm = spec.alarm
        self._options = options
        self._successor: ModelSpec | None = None
        self._people: dict[int, _Person] = {}
        self._epoch = -1
        self._visible: tuple[FaceTrack, ...] = ()
        self._met = 0

    @property
    def tracks_seen(self) -> int:
        """How many different faces were reported so far."""
        return self._met

    @property
    def caveats(self) -> tuple[str, ...]:
        """What has to be known of every verdict; empty if all is as it should be."""
        return () if self._alarm else (NOT_CALIBRATED,)

    def succeed(self, spec: ModelSpec) -> None:
        """Take scores to be those of another model, whose crops are the same, from the next frame
        on: evidence starts anew, for the two cannot be compared. May be called by any thread.
        """
        assert spec.crop == self._geometry, "crops that wait would be of the wrong geometry"
        self._successor = spec

    def wants(self, frame: Frame, *, busy: bool = False) -> bool:
        """Whether `frame` is to be looked at: a face is due for scoring, or its place is.

        With `busy`, because others wait for the networks, looks for places are put off.
        """
        if self._successor:
            self._adopt(self._successor)
        if frame.epoch != self._epoch:
            return True
        # Asked for each frame: the finder compares every picture with the one before.
        now_s = frame.media_time_s
        hold = self._waited_for(now_s)
        due = self._finder.due(now_s, frame.capture.thumbnail(), busy=busy, hold=hold)
        return due or (not frame.capture.corrupt and bool(self._due(now_s)))

    def observe(self, frame: Frame) -> tuple[FaceCrop, ...]:
        """Find and follow the faces of `frame` and cut out those that are due for scoring.

        A picture decoded with errors is followed but never scored.
        """
        if frame.epoch != self._epoch:
            self._start_epoch(frame.epoch)
        now_s = frame.media_time_s
        hold = self._waited_for(now_s)
        self._see(self._finder.update(frame.pixels, now_s, hold=hold), frame)
        return () if frame.capture.corrupt else self._cut(frame)

    def coast(self, frame: Frame) -> None:
        """Take `frame` without a look: known faces are where they should be by now."""
        self._see(self._finder.predict(frame.media_time_s), frame)

    def _see(self, tracks: Sequence[FaceTrack], frame: Frame) -> None:
        alive = {track.track_id for track in tracks}
        self._people = {key: person for key, person in self._people.items() if key in alive}
        self._visible = tuple(t for t in tracks if self._shows(t, frame.media_time_s))
        for track in self._visible:
            if track.track_id not in self._people:
                self._meet(track.track_id, frame.media_time_s)
        if frame.capture.corrupt:
            for track in self._visible:
                self._people[track.track_id].quality = CORRUPT

    def _shows(self, track: FaceTrack, now_s: float) -> bool:
        known = track.track_id in self._people
        gone_s = now_s - track.last_seen_s
        lost = track.state is TrackState.LOST and known and gone_s <= SHOWN_LOST_S
        return lost or track.state is TrackState.CONFIRMED

    def _due(self, now_s: float) -> list[FaceTrack]:
        seen = [t for t in self._visible if t.state is TrackState.CONFIRMED]
        if not any(self._people[t.track_id].due_s <= now_s for t in seen):
            return []
        together_s = now_s + DUE_TOGETHER / self._options.target_fps
        return [t for t in seen if self._people[t.track_id].due_s <= together_s]

    def _waited_for(self, now_s: float) -> bool:
        """Whether a score is due that a search on this frame would delay."""
        return bool(self._due(now_s + SEARCH_S))

    def absorb(
        self,
        frame: Frame,
        crops: Sequence[FaceCrop],
        scores: Sequence[CropScore],
        faces_at_s: float,
        scored_at_s: float | None,
    ) -> Analysis:
        """Take the scores of the crops that `observe` gave for `frame`, none after `coast`; report
        every face in it.
        """
        fresh: dict[int, FaceScore] = {}
        for crop, raw in zip(crops, scores, strict=True):
            score = self._calibrated(crop, raw)
            fresh[crop.track_id] = score
            self._people[crop.track_id].take(score)
        faces = tuple(
            self._report(track, frame.media_time_s, fresh.get(track.track_id))
            for track in self._visible
        )
        capture = frame.capture
        hops = Hops(capture.captured_at_s, capture.decoded_at_s, faces_at_s, scored_at_s)
        return Analysis(frame, faces, hops)

    def _start_epoch(self, epoch: int) -> None:
        # Windows never span epochs: after a reconnect the camera may show somebody else.
        self._epoch = epoch
        self._people.clear()
        self._visible = ()
        self._finder.reset()

    def _adopt(self, spec: ModelSpec) -> None:
        self._successor = None
        self._calibration, self._alarm = spec.calibration, spec.alarm
        self._people = {
            key: self._person(person.due_s, person.quality) for key, person in self._people.items()
        }

    def _meet(self, track_id: int, media_time_s: float) -> None:
        self._people[track_id] = self._person(media_time_s, Quality(0.0))
        self._met += 1

    def _person(self, due_s: float, quality: Quality) -> _Person:
        cusum = None
        if self._alarm:
            threshold = self._alarm.threshold(self._options.false_alarms_per_hour)
            cusum = Cusum(self._alarm, threshold)
        window = ScoreWindow(self._options.window_s)
        return _Person(window, cusum, Verdict(self._options, cusum), quality, due_s)

    def _cut(self, frame: Frame) -> tuple[FaceCrop, ...]:
        now_s = frame.media_time_s
        due = self._due(now_s)
        if not due:
            return ()
        boxes = np.stack([track.detection.box_px for track in due])
        landmarks = np.stack([track.detection.landmarks_px for track in due])
        pixels, frame_from_crop = crop_faces(frame.pixels, boxes, landmarks, self._geometry)
        crops = []
        for index, track in enumerate(due):
            quality = assess(
                pixels[index],
                track.detection,
                frame.capture.size_px,
                self._geometry,
                frame.capture.corrupt,
                frame.capture.quantiser(),
            )
            person = self._people[track.track_id]
            person.quality = quality
            person.due_s = now_s + (1 - DUE_EARLY) / self._options.target_fps
            if quality.weight > 0:
                crops.append(
                    FaceCrop(
                        track.track_id,
                        now_s,
                        frame.capture.captured_at_s,
                        pixels[index],
                        frame_from_crop[index],
                        quality,
                    )
                )
        return tuple(crops)

    def _calibrated(self, crop: FaceCrop, raw: CropScore) -> FaceScore:
        level = self._calibration.at(crop.quality.weight)
        logit = calibrated_logit(raw.logit, level.temperature, level.bias)
        return FaceScore(
            crop.track_id, crop.media_time_s, crop.captured_at_s, logit, raw.heatmap, crop.quality
        )

    def _report(self, track: FaceTrack, media_time_s: float, score: FaceScore | None) -> FaceReport:
        person = self._people[track.track_id]
        mean = person.window.at(media_time_s)
        decision = person.verdict.decide(mean, media_time_s)
        reasons = decision.reasons
        if person.quality.weight == 0:
            # Nothing was taken from this crop: its own reasons are the news.
            reasons = tuple(dict.fromkeys((*reasons, *person.quality.reasons)))
        window = WindowScore(
            track.track_id,
            media_time_s if mean.start_s is None else mean.start_s,
            media_time_s,
            mean.samples,
            mean.probability_fake,
            mean.newest_captured_at_s,
            decision.state,
            reasons,
            decision.fake_since_s,
            decision.undecided_s,
            person.cusum.sum if person.cusum else None,
            decision.alarmed,
        )
        return FaceReport(
            track.track_id,
            track.detection,
            window,
            person.quality,
            None if score is None else probability_of(score.logit),
            None if score is None else score.heatmap,
        )
