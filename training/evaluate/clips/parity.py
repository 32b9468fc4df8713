"""Is what is served what the network says? One file, frame by frame, by the program and by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from engines.base import Engine
from engines.table import open_engine
from stream.faces.align import crop_faces
from stream.faces.options import FacesOptions
from stream.faces.quality import assess
from stream.scoring.calibration import calibrated_logit, probability_of
from stream.types import FaceTrack
from training.evaluate.clips.finding import Shown, opened_finder, pictures
from training.evaluate.clips.live import pipeline

ALLOWED: Final = 0.001
LOOKS: Final = FacesOptions(follow_interval_s=0.0, detect_interval_s=0.0, search_interval_s=0.0)
SETTINGS: Final = tuple(
    f"faces.{key}={getattr(LOOKS, key)}"
    for key in ("follow_interval_s", "detect_interval_s", "search_interval_s")
)
"""Both search the whole of every frame: what the program would otherwise pass over depends on what
moves in the picture and on when faces are scored, and each look's place on the look before."""


@dataclass(frozen=True, slots=True)
class Parity:
    """`scores` served scores, of which `missing` have no face of that name offline; the largest
    and the mean difference of the probabilities of all others. `frames` were decoded offline.
    """

    frames: int
    served_frames: int
    scores: int
    missing: int
    largest: float
    mean: float

    @property
    def holds(self) -> bool:
        """Whether every frame was served, every score has its twin, and none differs."""
        same = self.frames == self.served_frames and not self.missing
        return same and self.scores > 0 and self.largest <= ALLOWED

    def __str__(self) -> str:
        verdict = "the same" if self.holds else "NOT the same"
        return (
            f"parity: {self.scores} served scores in {self.served_frames} of {self.frames} frames, "
            f"{self.missing} without an offline one; |difference of probabilities| at most "
            f"{self.largest:.5f}, mean {self.mean:.5f}: {verdict} (allowed {ALLOWED})"
        )


def check_parity(clip: Path, model: Path) -> Parity:
    """Compare the served score of every scored face of a file with an offline one.

    Offline, each frame is decoded, searched for faces, and each face that was served with a
    score is cut, weighed, scored and calibrated, one frame after the other, without sessions,
    slots, schedulers and messages.

    Raises: OSError or ValueError for the clip; EngineError for the model.
    """
    with (
        pipeline(model, SETTINGS) as program,
        program.messages([clip.resolve()]) as (messages, said),
    ):
        served = {message["frame_seq"]: message for message in messages}
        if not served:
            raise ValueError(said() or f"{clip}: the program said nothing of it")
    gaps: list[float] = []
    frames = missing = 0
    with (
        open_engine("onnxruntime", model) as detector,
        opened_finder(LOOKS) as finder,
    ):
        for seq, shown in enumerate(pictures(clip)):
            frames += 1
            found = finder.update(shown.pixels, shown.time_s)
            tracks = {track.track_id: track for track in found}
            for face in _scored(served.get(seq)):
                track = tracks.get(face["track_id"])
                if track is None:
                    missing += 1
                else:
                    own = _probability(shown, track, detector)
                    gaps.append(abs(own - face["frame_probability_fake"]))
    largest, mean = (max(gaps), float(np.mean(gaps))) if gaps else (0.0, 0.0)
    return Parity(frames, len(served), len(gaps) + missing, missing, largest, mean)


def _scored(message: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    faces = [] if message is None else message["faces"]
    return [face for face in faces if face["frame_probability_fake"] is not None]


def _probability(shown: Shown, track: FaceTrack, detector: Engine) -> float:
    spec, face = detector.spec, track.detection
    if spec.crop is None:
        raise ValueError(f"{spec.name} names no crop geometry: it is no face detector")
    crops, _ = crop_faces(shown.pixels, face.box_px[None], face.landmarks_px[None], spec.crop)
    size = (shown.pixels.shape[1], shown.pixels.shape[0])
    crop = np.asarray(crops[0], np.uint8)
    quality = assess(crop, face, size, spec.crop, corrupt=False, quantiser=shown.quantiser)
    level = spec.calibration.at(quality.weight)
    logit = float(detector.infer(crops)["logit"][0])
    return probability_of(calibrated_logit(logit, level.temperature, level.bias))
