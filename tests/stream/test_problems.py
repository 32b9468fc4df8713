"""Errors over HTTP are problem details, whoever raised them."""

from __future__ import annotations

import httpx
import pytest
from fastapi import FastAPI, HTTPException

from stream.problems import MEDIA_TYPE, install, problem


def application() -> FastAPI:
    app = FastAPI()
    install(app)

    @app.get("/teapot")
    async def teapot() -> None:
        raise HTTPException(418, "short and stout", {"X-Spout": "left"})

    @app.get("/square")
    async def square(side: int) -> int:
        return side * side

    return app


async def get(path: str) -> httpx.Response:
    transport = httpx.ASGITransport(application())
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        return await client.get(path)


@pytest.mark.parametrize(
    ("path", "status", "title", "detail"),
    [
        ("/teapot", 418, "I'm a Teapot", "short and stout"),
        ("/nowhere", 404, "Not Found", "Not Found"),
        ("/square?side=long", 422, None, "query.side: "),
        ("/square", 422, None, "query.side: "),
    ],
)
async def test_an_error_says_what_was_wrong(
    path: str, status: int, title: str | None, detail: str
) -> None:
    response = await get(path)
    assert response.status_code == status
    assert response.headers["content-type"] == MEDIA_TYPE == "application/problem+json"
    body = response.json()
    assert body.keys() == {"type", "title", "status", "detail"}
    assert (body["type"], body["status"]) == ("about:blank", status)
    assert title is None or body["title"] == title
    assert body["detail"].startswith(detail)


async def test_an_errors_headers_are_kept() -> None:
    assert (await get("/teapot")).headers["x-spout"] == "left"


def test_a_problem_may_be_answered_without_raising() -> None:
    response = problem(503, "try again", {"Retry-After": "1"})
    assert response.status_code == 503
    assert response.headers["retry-after"] == "1"
    assert response.headers["content-type"] == MEDIA_TYPE
