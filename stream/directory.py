"""Directory: /v1/streams, where streams are listed and, by their owner, added, changed, removed."""

from __future__ import annotations

from typing import Annotated, Final, Self

from fastapi import Depends, FastAPI, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from engines.spec import AlarmModel
from stream.access import Access, presented_token
from stream.body import BODY_REFUSALS, json_body, read_json
from stream.guard import GUARDED, Check, guard
from stream.listing import StreamItem, StreamList, Thresholds
from stream.problems import answers
from stream.refusals import Unknown
from stream.roster import STREAM_ID, Roster
from stream.scoring.options import ScoringOptions
from stream.service import Service
from stream.session import Session

EXAMPLE: Final = "rtsp://viewer:secret@192.0.2.7/stream1"
Source = Annotated[SecretStr, Field(min_length=1, max_length=2048)]
StreamId = Annotated[str, Path(pattern=f"^{STREAM_ID.pattern}$")]


class NewStream(BaseModel):
    """A stream to add; without an `id` it is called after its host."""

    model_config = ConfigDict(extra="forbid", strict=True)

    source: Source
    id: str | None = Field(default=None, pattern=f"^{STREAM_ID.pattern}$")
    paused: bool = False


class StreamChange(BaseModel):
    """What to change of a stream: at least one of both."""

    model_config = ConfigDict(extra="forbid", strict=True, json_schema_extra={"minProperties": 1})

    source: Source | None = None
    paused: bool | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.source is None and self.paused is None:
            raise ValueError("give source, paused or both")
        return self


def install(app: FastAPI, service: Service, access: Access) -> None:
    """Add the routes to `app`."""
    may_list = guard(access, lambda token, request: access.may_list(token))
    may_read = guard(
        access, lambda token, request: access.may_read(token, request.path_params["stream_id"])
    )
    owns = guard(access, lambda token, request: access.owns(token))
    _add_reading(app, service, access, may_list, may_read)
    _add_changing(app, service, Roster(service), owns)


def _add_reading(
    app: FastAPI, service: Service, access: Access, may_list: Check, may_read: Check
) -> None:
    @app.get("/v1/streams", dependencies=[Depends(may_list)], responses=answers(*GUARDED))
    async def streams(request: Request) -> StreamList:
        """The streams that the token may read, with their health."""
        token = presented_token(request.headers)
        readable = (
            session for key, session in service.sessions.items() if access.may_read(token, key)
        )
        return StreamList(streams=[_item_of(service, session) for session in readable])

    @app.get(
        "/v1/streams/{stream_id}",
        dependencies=[Depends(may_read)],
        responses=answers(*GUARDED, 404, 422),
    )
    async def stream(stream_id: StreamId) -> StreamItem:
        """One stream."""
        session = service.sessions.get(stream_id)
        if session is None:
            raise Unknown(f"there is no stream {stream_id!r}: see /v1/streams")
        return _item_of(service, session)


def _add_changing(app: FastAPI, service: Service, roster: Roster, owns: Check) -> None:
    guarded = [Depends(owns)]

    @app.post(
        "/v1/streams",
        dependencies=guarded,
        status_code=201,
        responses=answers(*GUARDED, *BODY_REFUSALS, 409, 422, 503),
        openapi_extra=json_body(NewStream, id="door", source=EXAMPLE),
    )
    async def add(request: Request, response: Response) -> StreamItem:
        """Add a stream by its address, which is opened at once; `Location` is its own."""
        wanted = await read_json(request, NewStream)
        source = wanted.source.get_secret_value()
        session = await roster.add(wanted.id, source, paused=wanted.paused)
        # Relative to the address that was asked, which a proxy in front may have put a prefix to.
        response.headers["Location"] = f"streams/{session.identity.stream_id}"
        return _item_of(service, session)

    @app.patch(
        "/v1/streams/{stream_id}",
        dependencies=guarded,
        responses=answers(*GUARDED, *BODY_REFUSALS, 404, 409, 422, 503),
        openapi_extra=json_body(StreamChange, paused=True),
    )
    async def change(stream_id: StreamId, request: Request) -> StreamItem:
        """Pause or resume a stream, or give it another address."""
        wanted = await read_json(request, StreamChange)
        source = wanted.source.get_secret_value() if wanted.source else None
        session = await roster.change(stream_id, source=source, paused=wanted.paused)
        return _item_of(service, session)

    @app.delete(
        "/v1/streams/{stream_id}",
        dependencies=guarded,
        status_code=204,
        responses=answers(*GUARDED, 404, 422),
    )
    async def remove(stream_id: StreamId) -> None:
        """End a stream; its viewers are told, and its metrics are forgotten."""
        await roster.remove(stream_id)


def _item_of(service: Service, session: Session) -> StreamItem:
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
