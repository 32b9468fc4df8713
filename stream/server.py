"""create_app: the page, the streams, their scores and previews, health and metrics over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Awaitable, Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final, TypeVar

from fastapi import Depends, FastAPI, HTTPException, Request, Response, WebSocket
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel
from starlette.websockets import WebSocketDisconnect

from engines.spec import AlarmModel
from stream import signalling
from stream.access import SUBPROTOCOL, Access, presented_token
from stream.messages import Health, overlay_schema
from stream.problems import FOREIGN_SITE, UNAUTHORISED, install, problem
from stream.rtc.exchange import Exchange
from stream.scoring.options import ScoringOptions
from stream.service import Service
from stream.session import Session

WEB: Final = Path(__file__).parent / "web"
PICTURES_QUEUED: Final = 2
"""One on its way and the newest behind it: a viewer on a thin line sees fewer, not older."""
SECURITY_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self' ws: wss:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

T = TypeVar("T")


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
    health: Health
    crop_scale: float
    crop_shift_down: float
    crop_to_landmarks: float
    thresholds: Thresholds


class StreamList(BaseModel):
    """The streams that the token may read."""

    streams: list[StreamItem]


def create_app(service: Service, access: Access, exchange: Exchange) -> FastAPI:
    """The web application over a running `service`, guarded by `access`; WebRTC's peers come by way
    of `exchange`.
    """
    # The document is served below, behind the token like everything else.
    app = FastAPI(title="DeepfakeStream", version=_version(), openapi_url=None)
    install(app)
    _add_headers(app)
    _add_page(app)
    _add_health(app, service, access)
    _add_streams(app, service, access)
    _add_sockets(app, service, access)
    signalling.install(app, exchange, access)
    return app


def _version() -> str:
    try:
        return version("deepfakestream")
    except PackageNotFoundError:
        return "0"


def _add_headers(app: FastAPI) -> None:
    @app.middleware("http")
    async def harden(
        request: Request, call_next: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        response = await call_next(request)
        response.headers.update(SECURITY_HEADERS)
        # Assets change with the version; a stale module beside a fresh one breaks the page.
        response.headers.setdefault("Cache-Control", "no-cache")
        return response


def _add_page(app: FastAPI) -> None:
    @app.get("/", include_in_schema=False)
    async def page() -> FileResponse:
        return FileResponse(WEB / "index.html")

    app.mount("/assets", StaticFiles(directory=WEB), name="assets")


def _guard(access: Access, allows: Callable[[str | None], bool]) -> Callable[[Request], None]:
    def check(request: Request) -> None:
        if not access.may_come_from(request.headers):
            raise HTTPException(403, FOREIGN_SITE)
        if not allows(presented_token(request.headers)):
            raise HTTPException(401, UNAUTHORISED, {"WWW-Authenticate": "Bearer"})

    return check


def _add_health(app: FastAPI, service: Service, access: Access) -> None:
    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        """The process answers."""
        return {"status": "alive"}

    @app.get("/readyz")
    async def readyz() -> Response:
        """The networks are open and the streams are being served."""
        if not service.ready:
            return problem(503, "the service is starting or stopping: try again shortly")
        return Response('{"status":"ready"}', media_type="application/json")

    # The metrics name every stream, so a token for one of them is not enough.
    @app.get("/metrics", dependencies=[Depends(_guard(access, access.may_measure))])
    async def metrics() -> Response:
        """Prometheus metrics."""
        return Response(service.metrics.text(), media_type="text/plain; version=0.0.4")


def _add_streams(app: FastAPI, service: Service, access: Access) -> None:
    guard = _guard(access, access.may_list)

    @app.get("/v1/streams", dependencies=[Depends(guard)])
    async def streams(request: Request) -> StreamList:
        """The streams that the token may read, with their health."""
        token = presented_token(request.headers)
        readable = (
            session for key, session in service.sessions.items() if access.may_read(token, key)
        )
        return StreamList(streams=[_item(service, session) for session in readable])

    @app.get("/openapi.json", dependencies=[Depends(guard)], include_in_schema=False)
    async def openapi() -> dict[str, Any]:
        return app.openapi()

    @app.get("/v1/schema/overlay.json", dependencies=[Depends(guard)])
    async def schema() -> dict[str, Any]:
        """The JSON schema of an overlay message."""
        return overlay_schema()


def _item(service: Service, session: Session) -> StreamItem:
    identity, last = session.identity, session.last
    crop = service.detector_spec.crop
    return StreamItem(
        id=identity.stream_id,
        source=identity.address,
        state="no_face" if last is None else str(last.state),
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


def _add_sockets(app: FastAPI, service: Service, access: Access) -> None:
    async def admitted(socket: WebSocket, stream_id: str) -> Session | None:
        """The session that `socket` may read, its handshake accepted; None when refused."""
        refusal = _refusal(access, service, socket, stream_id)
        if refusal is not None:
            await socket.send_denial_response(refusal)
            return None
        offered = socket.scope.get("subprotocols", [])
        await socket.accept(SUBPROTOCOL if SUBPROTOCOL in offered else None)
        return service.sessions[stream_id]

    @app.websocket("/v1/streams/{stream_id}/scores")
    async def scores(socket: WebSocket, stream_id: str, heatmap: bool = False) -> None:
        session = await admitted(socket, stream_id)
        if session is None:
            return
        with session.subscribe("scores") as messages:

            async def send(message: Any) -> None:
                await socket.send_text(message.to_json(heatmap=heatmap))
                session.sent(message)

            await _pump(socket, messages, send)

    @app.websocket("/v1/streams/{stream_id}/video")
    async def video(socket: WebSocket, stream_id: str) -> None:
        session = await admitted(socket, stream_id)
        if session is None:
            return
        with session.subscribe_pictures(PICTURES_QUEUED) as pictures:
            await _pump(socket, pictures, socket.send_bytes)


def _refusal(
    access: Access, service: Service, socket: WebSocket, stream_id: str
) -> Response | None:
    if not access.may_come_from(socket.headers):
        return problem(403, FOREIGN_SITE)
    if not access.may_read(presented_token(socket.headers), stream_id):
        return problem(401, UNAUTHORISED, {"WWW-Authenticate": "Bearer"})
    if stream_id not in service.sessions:
        return problem(404, f"there is no stream {stream_id!r}: see /v1/streams")
    return None


async def _pump(
    socket: WebSocket, items: AsyncIterable[T], send: Callable[[T], Awaitable[None]]
) -> None:
    """Send `items` until they end or the client goes; a slow client holds up nobody else."""

    async def pump() -> None:
        async for item in items:
            await send(item)
        await socket.close(1001, "the stream has ended")

    sending = asyncio.create_task(pump())
    listening = asyncio.create_task(_until_gone(socket))
    try:
        await asyncio.wait([sending, listening], return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (sending, listening):
            task.cancel()
        outcomes = await asyncio.gather(sending, listening, return_exceptions=True)
    # Sending to a client that has just gone raises one of these; anything else is a bug.
    expected = (WebSocketDisconnect, RuntimeError, asyncio.CancelledError)
    for outcome in outcomes:
        if isinstance(outcome, BaseException) and not isinstance(outcome, expected):
            raise outcome


async def _until_gone(socket: WebSocket) -> None:
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass  # nothing that a client says is of interest here
