"""create_app: the page, the streams, their scores and previews, health and metrics over HTTP."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final, TypeVar

from fastapi import Depends, FastAPI, Request, Response, WebSocket
from fastapi.responses import FileResponse, PlainTextResponse
from fastapi.staticfiles import StaticFiles

from stream import directory, signalling
from stream.access import SUBPROTOCOL, Access, presented_token
from stream.files import routes as file_routes
from stream.guard import GUARDED, guard
from stream.messages import overlay_schema
from stream.problems import FOREIGN_SITE, UNAUTHORISED, answers, install, problem
from stream.pump import Farewell, send_all
from stream.rtc.exchange import Exchange
from stream.service import Service
from stream.session import Session

WEB: Final = Path(__file__).parent / "web"
PICTURES_QUEUED: Final = 2
"""One on its way and the newest behind it: a viewer on a thin line sees fewer, not older."""
ENDED: Final = Farewell(1001, "the stream has ended")
SECURITY_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self' ws: wss:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

T = TypeVar("T")


def create_app(service: Service, access: Access, exchange: Exchange) -> FastAPI:
    """The web application over a running `service`, guarded by `access`; WebRTC's peers come by way
    of `exchange`.
    """
    # The document is served below, behind the token like everything else.
    # An address with a slash too many is not found, instead of an answer that nobody documented.
    app = FastAPI(
        title="DeepfakeStream", version=_version(), openapi_url=None, redirect_slashes=False
    )
    install(app)
    _add_headers(app)
    _add_page(app)
    _add_health(app, service, access)
    _add_schemas(app, access)
    directory.install(app, service, access)
    _add_sockets(app, service, access)
    signalling.install(app, exchange, access)
    file_routes.install(app, service, access)
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


def _add_health(app: FastAPI, service: Service, access: Access) -> None:
    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        """The process answers."""
        return {"status": "alive"}

    @app.get("/readyz", responses=answers(503))
    async def readyz() -> Response:
        """The networks are open and the streams are being served."""
        if not service.ready:
            return problem(503, "the service is starting or stopping: try again shortly")
        return Response('{"status":"ready"}', media_type="application/json")

    # They name every stream, so a token for one of them is not enough.
    may_measure = guard(access, lambda token, request: access.may_measure(token))

    @app.get(
        "/metrics",
        dependencies=[Depends(may_measure)],
        response_class=PlainTextResponse,
        responses=answers(*GUARDED),
    )
    async def metrics() -> Response:
        """Prometheus metrics."""
        return Response(service.metrics.text(), media_type="text/plain; version=0.0.4")


def _add_schemas(app: FastAPI, access: Access) -> None:
    may_list = guard(access, lambda token, request: access.may_list(token))

    @app.get("/openapi.json", dependencies=[Depends(may_list)], include_in_schema=False)
    async def openapi() -> dict[str, Any]:
        return app.openapi()

    @app.get(
        "/v1/schema/overlay.json", dependencies=[Depends(may_list)], responses=answers(*GUARDED)
    )
    async def schema() -> dict[str, Any]:
        """The JSON schema of an overlay message."""
        return overlay_schema()


def _add_sockets(app: FastAPI, service: Service, access: Access) -> None:
    async def admitted(socket: WebSocket, stream_id: str) -> Session | None:
        """The session that `socket` may read, its handshake accepted; None when refused."""
        refusal = _refusal(access, service, socket, stream_id)
        if refusal is not None:
            await socket.send_denial_response(refusal)
            return None
        session = service.sessions[stream_id]  # before waiting: it may be removed meanwhile
        offered = socket.scope.get("subprotocols", [])
        await socket.accept(SUBPROTOCOL if SUBPROTOCOL in offered else None)
        return session

    @app.websocket("/v1/streams/{stream_id}/scores")
    async def scores(socket: WebSocket, stream_id: str, heatmap: bool = False) -> None:
        session = await admitted(socket, stream_id)
        if session is None:
            return
        with session.subscribe("scores") as messages:

            async def send(message: Any) -> None:
                await socket.send_text(message.to_json(heatmap=heatmap))
                session.sent(message)

            await send_all(socket, messages, send, ENDED)

    @app.websocket("/v1/streams/{stream_id}/video")
    async def video(socket: WebSocket, stream_id: str) -> None:
        session = await admitted(socket, stream_id)
        if session is None:
            return
        with session.subscribe_pictures(PICTURES_QUEUED) as pictures:
            await send_all(socket, pictures, socket.send_bytes, ENDED)


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
