"""Errors over HTTP as problem details (RFC 9457), as they are sent and as they are documented."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from stream.refusals import Full, Refusal

MEDIA_TYPE: Final = "application/problem+json"
UNAUTHORISED: Final = (
    "a token is needed: open the address that the server printed, or send it as a bearer token"
)
FOREIGN_SITE: Final = (
    "this site or host name may not read from here: set server.allowed_origins, or a token"
)


class Problem(BaseModel):
    """What was wrong; `detail` says what to do."""

    type: str
    title: str
    status: int
    detail: str


def problem(status: int, detail: str, headers: dict[str, str] | None = None) -> JSONResponse:
    """A problem document; `detail` says what was wrong and what to do."""
    title = HTTPStatus(status).phrase
    body = Problem(type="about:blank", title=title, status=status, detail=detail)
    return JSONResponse(body.model_dump(), status, headers, media_type=MEDIA_TYPE)


def answers(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What a route's ``responses=`` says of its refusals: problem details for each status.

    A status that waiting may mend (429, 503) comes with ``Retry-After``.
    """
    return {status: _answer(status) for status in statuses}


def install(app: FastAPI) -> None:
    """Let every error of `app` leave as a problem document, and its OpenAPI document say so."""

    @app.exception_handler(HTTPException)
    async def _http(request: Request, exc: HTTPException) -> JSONResponse:
        headers = dict(exc.headers) if exc.headers else None
        return problem(exc.status_code, str(exc.detail), headers)

    @app.exception_handler(RequestValidationError)
    async def _invalid(request: Request, exc: RequestValidationError) -> JSONResponse:
        first = exc.errors()[0]
        return problem(422, f"{'.'.join(map(str, first['loc']))}: {first['msg']}")

    @app.exception_handler(Refusal)
    async def _refused(request: Request, exc: Refusal) -> JSONResponse:
        headers = {"Retry-After": str(exc.retry_after_s)} if isinstance(exc, Full) else None
        return problem(exc.status, str(exc), headers)

    generate = app.openapi
    # FastAPI's own way of changing the document.
    app.openapi = lambda: _documented(generate())  # type: ignore[method-assign]


def _answer(status: int) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    answer: dict[str, Any] = {
        "description": HTTPStatus(status).phrase,
        "content": {MEDIA_TYPE: {"schema": schema}},
    }
    if status in {429, 503}:
        seconds = {"description": "Seconds to wait", "schema": {"type": "string"}}
        answer["headers"] = {"Retry-After": seconds}
    return answer


def _documented(document: dict[str, Any]) -> dict[str, Any]:
    """`document` with our problem details in the place of FastAPI's own; it is changed."""
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas["Problem"] = Problem.model_json_schema()
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    for path in document["paths"].values():
        for operation in path.values():
            if "422" in operation["responses"]:
                operation["responses"]["422"] = _answer(422)
    return document
