"""Bodies of requests: read with a bound, checked, and named in the OpenAPI document."""

from __future__ import annotations

from typing import Any, Final, TypeVar

from fastapi import HTTPException, Request
from pydantic import BaseModel, ValidationError

MOST_BYTES: Final = 65_536
"""A browser's offer with audio, video and all its codecs has about 8,000."""
JSON: Final = "application/json"
BODY_REFUSALS: Final = (400, 413, 415)
"""What `read_text` may answer; `read_json` adds 422."""

Model = TypeVar("Model", bound=BaseModel)


async def read_text(request: Request, media_type: str) -> str:
    """The body of `request`, which must be of `media_type`, UTF-8, and small.

    Raises: HTTPException 415, 413 or 400.
    """
    sent = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if sent != media_type:
        raise HTTPException(415, f"send {media_type}", {"Accept-Post": media_type})
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:
            raise HTTPException(413, f"the body must be at most {MOST_BYTES} bytes")
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise HTTPException(400, "the body is no UTF-8 text") from None


async def read_json(request: Request, model: type[Model]) -> Model:
    """The body of `request` as a `model`; what was sent is not repeated, as it may hold a secret.

    Raises: HTTPException 415, 413, 400 where it is no JSON, 422 where it is something else.
    """
    text = await read_text(request, JSON)
    try:
        return model.model_validate_json(text)
    except ValidationError as exc:
        first = exc.errors(include_url=False, include_input=False, include_context=False)[0]
    if first["type"] == "json_invalid":
        raise HTTPException(400, f"the body is no JSON: {first['msg']}")
    place = ".".join(map(str, first["loc"])) or "body"
    raise HTTPException(422, f"{place}: {first['msg'].removeprefix('Value error, ')}")


def json_body(model: type[BaseModel], **example: Any) -> dict[str, Any]:
    """A route's ``openapi_extra`` for a body that `read_json` reads; `model` holds no other."""
    schema = model.model_json_schema()
    content = {"schema": schema, "example": example}
    return {"requestBody": {"required": True, "content": {JSON: content}}}


def text_body(media_type: str, example: str) -> dict[str, Any]:
    """A route's ``openapi_extra`` for a body that `read_text` reads."""
    content = {"schema": {"type": "string"}, "example": example}
    return {"requestBody": {"required": True, "content": {media_type: content}}}
