"""Listing: what is said of a stream over HTTP."""

from __future__ import annotations

from pydantic import BaseModel

from engines.spec import AlarmModel
from stream.messages import Health
from stream.scoring.options import ScoringOptions
from stream.service import Service
from stream.session import Session


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


def item_of(service: Service, session: Session) -> StreamItem:
    """What is said of `session` now."""
    identity, last = session.identity, session.last
    crop = service.detector_spec.crop
    return StreamItem(
        id=identity.stream_id,
        source=identity.address,
        state="no_face" if last is None else str(last.state),
        paused=session.paused,
        health=session.health(),
        crop_scale=crop.crop_scale if crop else 1.0,
        crop_shift_down=crop.shift_down if crop else 0.0,
        crop_to_landmarks=crop.to_landmarks if crop else 0.0,
        thresholds=_thresholds(service.scoring, service.detector_spec.alarm),
    )


def _thresholds(scoring: ScoringOptions, alarm: AlarmModel | None) -> Thresholds:
    rate = scoring.false_alarms_per_hour
    return Thresholds(
        suspicious_above=scoring.suspicious_above,
        fake_above=None if alarm else scoring.fake_above,
        alarm_nats=round(alarm.threshold(rate), 3) if alarm else None,
        false_alarms_per_hour=rate if alarm else None,
        extrapolated=alarm is not None and alarm.extrapolates(rate),
    )
