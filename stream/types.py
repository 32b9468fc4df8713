"""The data that flows from a source to the overlay: frozen, sized, with units in the names.

Times in ``_s`` without another word are monotonic seconds of the stream's `Clock`; media time is
the source's own, from 0 at the start of an epoch. Pixels are uint8 RGB, (height, width, 3).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]
ClockKind = Literal["sender", "arrival"]


class Reason(StrEnum):
    """Why a face's evidence is weak or its verdict withheld; `docs/messages.md` explains each."""

    FACE_TOO_SMALL = "face_too_small"
    BLURRED = "blurred"
    COMPRESSED = "compressed"
    EXTREME_POSE = "extreme_pose"
    UNDER_EXPOSED = "under_exposed"
    OVER_EXPOSED = "over_exposed"
    DECODE_ERRORS = "decode_errors"
    OUT_OF_FRAME = "out_of_frame"
    LOW_CONFIDENCE = "low_confidence"
    FEW_SAMPLES = "few_samples"
    LOW_QUALITY = "low_quality"
    LONG_UNDECIDED = "long_undecided"


class FaceState(StrEnum):
    """What is said of a face. Nothing is ever called real or verified."""

    UNDECIDED = "undecided"
    NO_EVIDENCE = "no_evidence"
    SUSPICIOUS = "suspicious"
    FAKE = "fake"


class TrackState(Enum):
    """A track's life: seen once, seen again, out of sight for the moment."""

    TENTATIVE = "tentative"
    CONFIRMED = "confirmed"
    LOST = "lost"


THUMBNAIL_PX: Final = 16
"""A thumbnail has a point for so many pixels of the picture, across and down."""


def green_thumbnail(pixels: Pixels) -> Pixels:
    """Every `THUMBNAIL_PX`th point of a picture whose colours are there already, RGB or BGR: green
    stands for brightness.
    """
    offset = THUMBNAIL_PX // 2
    return pixels[offset::THUMBNAIL_PX, offset::THUMBNAIL_PX, 1].copy()


def no_thumbnail() -> Pixels | None:
    """None: for sources that have no cheap one."""
    return None


def no_quantiser() -> float | None:
    """None: for sources that do not tell how coarsely they are coded."""
    return None


@dataclass(frozen=True, slots=True)
class Capture:
    """One decoded picture as a source hands it over, its colours not yet converted.

    `captured_at_s` is when the sender took it, as far as `clock` can tell; `arrived_at_s` when its
    last packet was here; `decoded_at_s` when the decoder gave it out. `size_px` is (width, height).
    `corrupt` marks a picture decoded with errors: it is shown but never scored. `quantiser` reads
    how coarsely it was coded, on H.264's scale of 0 to 51, None if unknown. `convert` makes the
    RGB pixels, in any thread, and is called at most once. `thumbnail` gives the brightness of a
    coarse grid of points, uint8 (h, w), upright, without converting; None where it is not cheap.
    """

    media_time_s: float
    captured_at_s: float
    arrived_at_s: float
    decoded_at_s: float
    clock: ClockKind
    size_px: tuple[int, int]
    convert: Callable[[], Pixels]
    corrupt: bool = False
    quantiser: Callable[[], float | None] = no_quantiser
    rtp_timestamp: int | None = None
    thumbnail: Callable[[], Pixels | None] = no_thumbnail


@dataclass(frozen=True, slots=True)
class Frame:
    """A picture with its place in the stream. `seq` counts every decoded picture, dropped ones
    too, and runs on through epochs; `epoch` grows by one at a reconnect or a loop.

    The capture's `convert` keeps what it made: see `stream.conversion`.
    """

    stream_id: str
    epoch: int
    seq: int
    capture: Capture

    @property
    def pixels(self) -> Pixels:
        """uint8 RGB (H, W, 3), converted for the first who asks; nobody may write to it."""
        return self.capture.convert()

    @property
    def media_time_s(self) -> float:
        """Media time, strictly increasing within an epoch."""
        return self.capture.media_time_s


@dataclass(frozen=True, slots=True)
class FaceDetection:
    """One face: `box_px` float32 (4,) x1, y1, x2, y2; `landmarks_px` float32 (5, 2): left eye,
    right eye, nose, left and right mouth corner, as seen in the picture; `confidence` 0-1.
    """

    box_px: Floats
    landmarks_px: Floats
    confidence: float


@dataclass(frozen=True, slots=True)
class FaceTrack:
    """A face followed through time; times are media time. `detection` is the newest one."""

    track_id: int
    detection: FaceDetection
    first_seen_s: float
    last_seen_s: float
    state: TrackState


@dataclass(frozen=True, slots=True)
class Quality:
    """How much a crop's evidence weighs, 0-1, and what lowers it."""

    weight: float
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class FaceCrop:
    """A face cut out for the network, in the geometry that the ModelSpec names.

    `pixels` uint8 RGB (S, S, 3); `frame_from_crop` float64 (2, 3) maps crop to frame pixels.
    """

    track_id: int
    media_time_s: float
    captured_at_s: float
    pixels: Pixels
    frame_from_crop: NDArray[np.float64]
    quality: Quality


@dataclass(frozen=True, slots=True)
class CropScore:
    """The detector's raw output for one crop: `logit`, and `heatmap` float32 (14, 14) 0-1."""

    logit: float
    heatmap: Floats


@dataclass(frozen=True, slots=True)
class FaceScore:
    """The calibrated word on one crop: `logit` > 0 speaks for fake; `heatmap` float32 (14, 14)."""

    track_id: int
    media_time_s: float
    captured_at_s: float
    logit: float
    heatmap: Floats
    quality: Quality


@dataclass(frozen=True, slots=True)
class WindowScore:
    """A track's evidence over the window. `probability_fake` is None while no sample is in it;
    `newest_captured_at_s` is the capture time of the newest scored frame in it.

    `fake_since_s` is the media time at which the swap was switched on, as far as it is known;
    None unless the state is fake. `undecided_s` is how long the state has been undecided, 0
    otherwise. `evidence_nats` is the sum that the alarm goes by, None without a calibrated one.
    `alarmed` is True on the frame on which the face became fake.
    """

    track_id: int
    start_s: float
    end_s: float
    samples: int
    probability_fake: float | None
    newest_captured_at_s: float | None
    state: FaceState
    reasons: tuple[Reason, ...]
    fake_since_s: float | None = None
    undecided_s: float = 0.0
    evidence_nats: float | None = None
    alarmed: bool = False


@dataclass(frozen=True, slots=True)
class FaceReport:
    """All that the overlay says of one face on one frame.

    `frame_probability_fake` and `heatmap` (float32 (14, 14) 0-1) are None unless the network
    scored this very frame.
    """

    track_id: int
    detection: FaceDetection
    window: WindowScore
    quality: Quality
    frame_probability_fake: float | None = None
    heatmap: Floats | None = None


@dataclass(frozen=True, slots=True)
class Hops:
    """Monotonic times at which one frame passed each stage; None where it did not pass it."""

    captured_at_s: float
    decoded_at_s: float
    faces_at_s: float
    scored_at_s: float | None


@dataclass(frozen=True, slots=True)
class Analysis:
    """One analysed frame: who is in it, what is thought of them, and when each step was done."""

    frame: Frame
    faces: tuple[FaceReport, ...]
    hops: Hops


@dataclass(frozen=True, slots=True)
class Identity:
    """What names a stream and what it runs on. `address` has its secrets masked."""

    stream_id: str
    address: str
    engine: str
    device: str
