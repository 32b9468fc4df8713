"""Results: what is said of a picture and of a clip, as JSON (version 1)."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from stream.types import FaceState, Reason

Point = tuple[float, float]
Box = tuple[float, float, float, float]
State = FaceState | Literal["no_face"]


class Part(BaseModel):
    """Frozen, and without surprises."""

    # What has a default is on the wire too, so the schema may demand it.
    model_config = ConfigDict(
        frozen=True, extra="forbid", json_schema_serialization_defaults_required=True
    )


class StillFace(Part):
    """One face in a picture. Coordinates are in the upright picture's own pixels."""

    box_px: Box = Field(description="x1, y1, x2, y2")
    landmarks_px: tuple[Point, Point, Point, Point, Point] = Field(
        description="Left eye, right eye, nose, left and right mouth corner"
    )
    crop_px: Box = Field(description="The square that the network saw; a heat map covers it")
    probability_fake: float | None = Field(
        ge=0, le=1, description="By this one look; null where the picture is too poor to judge"
    )
    quality: float = Field(ge=0, le=1)
    state: FaceState = Field(
        description="`undecided`, with `few_samples`: one picture of a face is never enough"
    )
    reasons: tuple[Reason, ...]
    heatmap_png: str | None = Field(
        default=None, description="A PNG of 224×224 over `crop_px`, base64; only when asked for"
    )


class PictureResult(Part):
    """What is said of one picture: the worst of its faces' states, or `no_face`."""

    version: Literal[1] = 1
    size_px: tuple[int, int] = Field(description="Width, height, upright as EXIF says")
    format: str
    animated: bool = Field(description="Of an animation the first picture alone is judged")
    state: State
    probability_fake: float | None = Field(ge=0, le=1, description="The highest of the faces'")
    faces: tuple[StillFace, ...]
    degraded: tuple[str, ...] = Field(description="What is not as it should be; empty if all is")


class PictureAnswer(Part):
    """The answer for one picture of a request: a result, or what is wrong with that picture."""

    result: PictureResult | None
    problem: str | None
    problem_status: int | None = Field(description="What it alone would have been answered")


class PictureAnswers(Part):
    """One answer for each picture, in the order in which they were sent."""

    pictures: tuple[PictureAnswer, ...]


class Sample(Part):
    """One face at one moment: where it was scored, and twice a second where it could not be."""

    media_time_s: float
    box_px: Box
    frame_probability_fake: float | None = Field(ge=0, le=1, description="Null: not scored here")
    probability_fake: float | None = Field(ge=0, le=1, description="Over the sliding window")
    quality: float = Field(ge=0, le=1)
    state: FaceState
    reasons: tuple[Reason, ...]


class Segment(Part):
    """One second of a face: the mean of its frames' probabilities, null without a scored one."""

    start_s: float
    end_s: float
    samples: int = Field(ge=0)
    probability_fake: float | None = Field(ge=0, le=1)
    quality: float = Field(ge=0, le=1)
    state: FaceState = Field(description="The worst within it")


class Moment(Part):
    """One of a face's most telling frames."""

    media_time_s: float
    probability_fake: float = Field(ge=0, le=1)
    quality: float = Field(ge=0, le=1)
    box_px: Box
    crop_px: Box = Field(description="The square that the network saw")
    heatmap: str = Field(description="196 bytes over `crop_px`, row-major 14×14, base64")
    picture_jpeg: str | None = Field(
        default=None, description="`crop_px` as a JPEG, base64; only where the caller asks for it"
    )


class FaceCourse(Part):
    """One face through the clip. `state` is the worst that it reached: `undecided` only if
    nothing could ever be said of it.
    """

    track_id: int
    first_s: float
    last_s: float
    state: FaceState
    reasons: tuple[Reason, ...] = Field(description="Why it is undecided, or weakly supported")
    probability_fake: float | None = Field(
        ge=0, le=1, description="The mean over the segments; null without a scored frame"
    )
    quality: float = Field(ge=0, le=1, description="The mean over the scored frames")
    samples: int = Field(ge=0)
    undecided_s: float = Field(ge=0, description="For how long of its time nothing could be said")
    fake_since_s: float | None
    alarm_at_s: float | None = Field(description="When it first became fake; null if it did not")
    segments: tuple[Segment, ...]
    timeline: tuple[Sample, ...]
    moments: tuple[Moment, ...] = Field(description="The frames of highest probability")


class ClipResult(Part):
    """What is said of a clip: its highest face. It is `undecided` when nothing could be said of any
    face, and `no_face` when there was none; it never says that anybody is real.
    """

    version: Literal[1] = 1
    format: str
    decoder: str
    size_px: tuple[int, int] = Field(description="Width, height, as it is shown")
    frames: int = Field(description="Pictures decoded")
    played_s: float
    cut_short: bool = Field(description="Clearly less could be read than the header promises")
    engine: str
    device: str
    state: State
    probability_fake: float | None = Field(ge=0, le=1)
    track_id: int | None = Field(description="The face that the probability is of")
    reasons: tuple[Reason, ...]
    quality: float = Field(ge=0, le=1)
    undecided_share: float = Field(
        ge=0, le=1, description="Of the time that faces were in sight: nothing could be said then"
    )
    faces: tuple[FaceCourse, ...]
    degraded: tuple[str, ...] = Field(description="What is not as it should be; empty if all is")
