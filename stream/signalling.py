"""Signalling: WHIP (RFC 9725) and WHEP over HTTP, and the JSON ``/offer`` of aiortc's example."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from fastapi import Depends, FastAPI, Header, HTTPException, Request, Response
from fastapi.middleware.cors import CORSMiddleware
from pydantic import BaseModel

from stream.access import Access
from stream.body import BODY_REFUSALS, json_body, read_text, text_body
from stream.guard import GUARDED, Check, guard
from stream.problems import answers
from stream.rtc import ice
from stream.rtc.exchange import Admitted, Exchange
from stream.rtc.options import RtcOptions
from stream.rtc.publisher import Publisher
from stream.rtc.viewer import Viewer

SDP: Final = "application/sdp"
FRAGMENT: Final = "application/trickle-ice-sdpfrag"
VIEWER_TOKEN: Final = "DeepfakeStream-Viewer-Token"  # noqa: S105  a header's name
EXPOSED: Final = ("Location", "Link", "ETag", "Accept-Patch", "Retry-After", VIEWER_TOKEN)
ETAG: Final = '"1"'
"""Of every ICE session: there is one a peer, as ICE is never restarted."""

IfMatch = Annotated[str | None, Header()]


class SdpAnswer(Response):
    """A session description."""

    media_type = SDP


class JsonOffer(BaseModel):
    """What aiortc's example clients post."""

    sdp: str
    type: Literal["offer"]


class JsonAnswer(BaseModel):
    """What they get; `stream` is the id that they publish as, `viewer_token` reads it."""

    sdp: str
    type: Literal["answer"] = "answer"
    stream: str
    viewer_token: str


def install(app: FastAPI, exchange: Exchange, access: Access) -> None:
    """Add the routes to `app`."""
    if access.allowed_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=sorted(access.allowed_origins),
            allow_methods=["GET", "POST", "PATCH", "DELETE", "OPTIONS"],
            allow_headers=["Authorization", "Content-Type", "If-Match"],
            expose_headers=EXPOSED,
        )

    may_publish = guard(access, lambda token, request: access.may_publish(token))
    whip = _Protocol("whip", "Publish", (409, 422, 503), exchange.publish, exchange.publisher)
    _add(app, whip, exchange.options, may_publish)
    _add_offer(app, exchange, may_publish)
    may_read = guard(access, lambda token, asked: access.may_read(token, _stream_of(asked)))
    whep = _Protocol("whep", "Watch", (404, 422, 503), exchange.watch, exchange.viewer)
    _add(app, whep, exchange.options, may_read)


def _stream_of(request: Request) -> str:
    return str(request.path_params["stream_id"])


@dataclass(frozen=True, slots=True)
class _Protocol:
    """WHIP or WHEP: `enter` takes an offer to a stream, or answers one of `refusals`; `find` knows
    a stream's session.
    """

    name: Literal["whip", "whep"]
    enters: str
    refusals: tuple[int, ...]
    enter: Callable[[str, str], Awaitable[Admitted]]
    find: Callable[[str, str], Publisher | Viewer]


def _add(app: FastAPI, protocol: _Protocol, options: RtcOptions, check: Check) -> None:
    endpoint = f"/v1/{protocol.name}/{{stream_id}}"
    _add_entrance(app, protocol, options, endpoint, [Depends(check)])
    _add_place(app, protocol, f"{endpoint}/{{resource}}", [Depends(check)])


def _add_entrance(
    app: FastAPI, protocol: _Protocol, options: RtcOptions, endpoint: str, guarded: list[Any]
) -> None:
    @app.options(
        endpoint,
        dependencies=guarded,
        status_code=204,
        name=f"{protocol.name}_options",
        responses=answers(*GUARDED),
    )
    async def ask(stream_id: str) -> Response:
        """What may be posted here, and the ICE servers."""
        return _with_links(Response(status_code=204, headers={"Accept-Post": SDP}), options)

    @app.post(
        endpoint,
        dependencies=guarded,
        status_code=201,
        response_class=SdpAnswer,
        name=f"{protocol.name}_enter",
        responses=answers(*GUARDED, *BODY_REFUSALS, *protocol.refusals),
        openapi_extra=text_body(SDP, "v=0"),
        description=f"{protocol.enters}: an SDP offer in, the answer out; `Location` is the "
        "session's address.",
    )
    async def enter(stream_id: str, request: Request) -> Response:
        admitted = await protocol.enter(stream_id, await read_text(request, SDP))
        return _with_links(created(request, admitted), options)


def _add_place(app: FastAPI, protocol: _Protocol, place: str, guarded: list[Any]) -> None:
    @app.patch(
        place,
        dependencies=guarded,
        status_code=204,
        name=f"{protocol.name}_trickle",
        responses=answers(*GUARDED, *BODY_REFUSALS, 404, 412, 422, 428),
        openapi_extra=text_body(FRAGMENT, "a=end-of-candidates"),
    )
    async def trickle(
        stream_id: str, resource: str, request: Request, if_match: IfMatch = None
    ) -> Response:
        """Trickle ICE: more of the peer's addresses. ICE cannot be restarted (422)."""
        return await _trickle(protocol.find(stream_id, resource), request, if_match)

    @app.delete(
        place,
        dependencies=guarded,
        response_class=Response,
        name=f"{protocol.name}_end",
        responses=answers(*GUARDED, 404),
    )
    async def end(stream_id: str, resource: str) -> Response:
        """End the session."""
        protocol.find(stream_id, resource).end()
        return Response(status_code=200)


async def _trickle(peer: Publisher | Viewer, request: Request, if_match: str | None) -> Response:
    fragment = await read_text(request, FRAGMENT)
    if if_match is None:
        raise HTTPException(428, f"send If-Match: {ETAG}, the session's ETag")
    if if_match == "*":
        raise HTTPException(422, "ICE cannot be restarted here: end this session, begin anew")
    if if_match != ETAG:
        raise HTTPException(412, f"the session's ETag is {ETAG}")
    await peer.add_candidates(fragment)
    return Response(status_code=204)


def _add_offer(app: FastAPI, exchange: Exchange, check: Check) -> None:
    @app.post(
        "/offer",
        dependencies=[Depends(check)],
        responses=answers(*GUARDED, *BODY_REFUSALS, 409, 422, 503),
        openapi_extra=json_body(JsonOffer, sdp="v=0", type="offer"),
    )
    async def offer(
        request: Request, offered: Annotated[JsonOffer, Depends(_json_offer)], stream: str = ""
    ) -> JsonAnswer:
        """Publish as aiortc's example clients do, as `stream` or under a name that is made up."""
        stream_id = stream or f"guest-{secrets.token_hex(4)}"
        admitted = await exchange.publish(stream_id, offered.sdp)
        token = admitted.viewer_token.get_secret_value() if admitted.viewer_token else ""
        return JsonAnswer(sdp=admitted.sdp, stream=stream_id, viewer_token=token)


async def _json_offer(request: Request) -> JsonOffer:
    try:
        return JsonOffer.model_validate_json(await read_text(request, "application/json"))
    except ValueError:
        raise HTTPException(400, 'the body must be {"sdp": "…", "type": "offer"}') from None


def created(request: Request, admitted: Admitted) -> Response:
    """The answer to a peer that was taken in."""
    # Relative to the address that was asked, which a proxy in front may have put a prefix to.
    endpoint = request.url.path.rpartition("/")[2]
    headers = {
        "Location": f"{endpoint}/{admitted.resource}",
        "ETag": ETAG,
        "Accept-Patch": FRAGMENT,
    }
    if admitted.viewer_token is not None:
        headers[VIEWER_TOKEN] = admitted.viewer_token.get_secret_value()
    return Response(admitted.sdp, 201, headers, media_type=SDP)


def _with_links(response: Response, options: RtcOptions) -> Response:
    for line in ice.links(options):
        response.headers.append("Link", line)
    return response
