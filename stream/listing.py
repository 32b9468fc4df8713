"""Listing: what is said of a stream over HTTP."""

from __future__ import annotations

from pydantic import BaseModel

from stream.messages import Health


class Thresholds(BaseModel):
    """From where on a face is suspicious, and fake.

    It is suspicious from the window's probability `suspicious_above` on, or half of `alarm_nats`.
    It is fake once its evidence reaches `alarm_nats`: the threshold for `false_alarms_per_hour`
    of a real face in sight, `extrapolated` when less real video was measured than that rate
    needs. Both are null for weights whose alarms are not calibrated: there the window's
    probability decides from `fake_above` on, which is null otherwise.
    """

    suspicious_above: float
    fake_above: float | None
    alarm_nats: float | None
    false_alarms_per_hour: float | None
    extrapolated: bool


class StreamItem(BaseModel):
    """One stream in the list. `source` has its secrets masked; `state` is its faces' worst.

    `crop_scale` is the side of the square that the network sees, in sides of the box, and
    `crop_shift_down` how far its centre lies below the box's, in its own sides; `crop_to_landmarks`
    how far sideways, as a share of the way to the landmarks' mean. A heat map covers that square.
    """

    id: str
    source: str
    state: str
    paused: bool
    health: Health
    crop_scale: float
    crop_shift_down: float
    crop_to_landmarks: float
    thresholds: Thresholds


class StreamList(BaseModel):
    """The streams that the token may read."""

    streams: list[StreamItem]
