"""Client: a running detector from Python, its answers typed. Needs the extra ``client``.

    async with Client("http://127.0.0.1:8080") as client:
        async for message in client.scores("door"):
            print(message.state, [face.probability_fake for face in message.faces])

ClientError
├── Unreachable   nothing answers there, or it broke off: check the address, try again
├── Refused       the server says no: `status` and `detail` say why, `retry_after_s` when to return
└── JobFailed     a clip cannot be analysed: the text says why
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import aclosing
from pathlib import Path
from types import TracebackType
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit, urlunsplit

import httpx
from pydantic import BaseModel
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.typing import Subprotocol

from stream.access import SUBPROTOCOL
from stream.errors import StreamError
from stream.files.jobs import ENDED, JobAnswer, JobStatus
from stream.files.result import ClipResult, PictureAnswers, PictureResult
from stream.listing import StreamItem, StreamList
from stream.messages import OverlayMessage

CHUNK: Final = 1 << 20
PAUSES_S: Final = (0.2, 0.5, 1.0, 2.0, 5.0)
"""Before each attempt to connect anew; the last for ever."""

Answer = TypeVar("Answer", bound=BaseModel)


class ClientError(StreamError):
    """Root of what a `Client` raises."""


class Unreachable(ClientError):
    """Nothing answers, or it broke off."""


class Refused(ClientError):
    """The server says no."""

    def __init__(self, status: int, detail: str, retry_after_s: float | None = None) -> None:
        super().__init__(status, detail, retry_after_s)
        self.status = status
        self.detail = detail
        self.retry_after_s = retry_after_s

    def __str__(self) -> str:
        return f"{self.status}: {self.detail}"


class JobFailed(ClientError):
    """A clip cannot be analysed."""


class Client:
    """One detector's HTTP and WebSockets; an async context manager.

    `address` is the server's, as it prints it: a token behind ``#token=`` is taken from there. An
    answer has `timeout_s` to come. Server and client are of the same release.
    """

    def __init__(
        self,
        address: str = "http://127.0.0.1:8080",
        token: str | None = None,
        *,
        timeout_s: float = 30.0,
    ) -> None:
        parts = urlsplit(address)
        given = parts.fragment.removeprefix("token=") if parts.fragment else None
        token = token or given
        self._base = urlunsplit((parts.scheme, parts.netloc, parts.path.rstrip("/"), "", ""))
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._timeout_s = timeout_s
        self._http = httpx.AsyncClient(
            base_url=self._base, headers=self._headers, timeout=timeout_s
        )

    def __repr__(self) -> str:
        return f"Client({self._base!r})"

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._http.aclose()

    async def streams(self) -> tuple[StreamItem, ...]:
        """The streams that the token may read.

        Raises: as all of these, Unreachable and Refused.
        """
        return tuple((await self._ask(StreamList, "GET", "/v1/streams")).streams)

    async def stream(self, stream_id: str) -> StreamItem:
        """One stream."""
        return await self._ask(StreamItem, "GET", f"/v1/streams/{stream_id}")

    async def add_stream(
        self, source: str, stream_id: str | None = None, *, paused: bool = False
    ) -> StreamItem:
        """Have the address `source` watched; without an id it is called after its host."""
        named = {} if stream_id is None else {"id": stream_id}
        wanted = {"source": source, "paused": paused, **named}
        return await self._ask(StreamItem, "POST", "/v1/streams", json=wanted)

    async def change_stream(
        self, stream_id: str, *, source: str | None = None, paused: bool | None = None
    ) -> StreamItem:
        """Give a stream another address, pause or resume it."""
        wanted = {"source": source, "paused": paused}
        given = {key: value for key, value in wanted.items() if value is not None}
        return await self._ask(StreamItem, "PATCH", f"/v1/streams/{stream_id}", json=given)

    async def remove_stream(self, stream_id: str) -> None:
        """End a stream."""
        await self._request("DELETE", f"/v1/streams/{stream_id}")

    async def scores(
        self, stream_id: str, *, heatmaps: bool = False, reconnect: bool = True
    ) -> AsyncGenerator[OverlayMessage, None]:
        """Each message of a stream as it is made; a slow reader gets the newest, not the oldest.

        With `reconnect` a lost connection, or a stream that ended, is tried anew for ever, until
        the server refuses; without it the iteration ends with the stream.

        Raises: Refused; without `reconnect` also Unreachable.
        """
        path = f"/v1/streams/{stream_id}/scores" + ("?heatmap=1" if heatmaps else "")
        attempt = 0
        while True:
            try:
                async with aclosing(self._texts(path)) as texts:
                    async for text in texts:
                        yield OverlayMessage.model_validate_json(text)
                        attempt = 0
            except Unreachable:
                if not reconnect:
                    raise
            if not reconnect:
                return
            await asyncio.sleep(PAUSES_S[min(attempt, len(PAUSES_S) - 1)])
            attempt += 1

    async def analyze_image(self, file: Path | str, *, heatmaps: bool = False) -> PictureResult:
        """What is said of the faces in one picture."""
        path = "/v1/analyze/image" + ("?heatmap=true" if heatmaps else "")
        answered = await self._ask(PictureAnswers, "POST", path, **_sent(Path(file)))
        first = answered.pictures[0]
        if first.result is None:
            raise Refused(first.problem_status or 422, first.problem or "")
        return first.result

    async def analyze_video(
        self, file: Path | str, progress: Callable[[JobStatus], None] | None = None
    ) -> ClipResult:
        """What is said of a clip, once it is analysed; `progress` is called meanwhile.

        Cancelling cancels the job.

        Raises: besides, JobFailed.
        """
        job = await self._ask(JobStatus, "POST", "/v1/analyze/video", **_sent(Path(file)))
        try:
            async with aclosing(self._texts(f"/v1/jobs/{job.id}/progress")) as texts:
                async for text in texts:
                    if progress:
                        progress(JobStatus.model_validate_json(text))
            return await self._result(job.id)
        except asyncio.CancelledError:
            await self._request("DELETE", f"/v1/jobs/{job.id}")
            raise

    async def _result(self, job_id: str) -> ClipResult:
        answer = await self._ask(JobAnswer, "GET", f"/v1/jobs/{job_id}")
        if answer.result is None:
            raise JobFailed(answer.problem or f"the job is {answer.state}")
        assert answer.state in ENDED
        return answer.result

    async def _texts(self, path: str) -> AsyncGenerator[str, None]:
        """The texts of a WebSocket until its regular end."""
        place = "ws" + f"{self._base}{path}".removeprefix("http")
        opening = connect(
            place,
            additional_headers=self._headers,
            subprotocols=[Subprotocol(SUBPROTOCOL)],
            open_timeout=self._timeout_s,
        )
        try:
            async with opening as socket:
                async for text in socket:
                    yield str(text)
        except InvalidStatus as exc:
            response = exc.response
            detail = _detail(bytes(response.body or b""))
            raise Refused(response.status_code, detail, _retry(response.headers)) from None
        except (OSError, TimeoutError, ConnectionClosed, InvalidHandshake) as exc:
            raise Unreachable(f"{self._base}: {exc}") from exc

    async def _ask(self, kind: type[Answer], method: str, path: str, **how: Any) -> Answer:
        return kind.model_validate_json((await self._request(method, path, **how)).content)

    async def _request(self, method: str, path: str, **how: Any) -> httpx.Response:
        try:
            response = await self._http.request(method, path, **how)
        except httpx.TransportError as exc:
            raise Unreachable(f"{self._base}: {exc or type(exc).__name__}") from exc
        if response.is_error:
            detail = _detail(response.content)
            raise Refused(response.status_code, detail, _retry(response.headers))
        return response


def _sent(file: Path) -> dict[str, Any]:
    return {"content": _chunks(file), "headers": {"Content-Type": "application/octet-stream"}}


async def _chunks(file: Path) -> AsyncIterator[bytes]:
    with file.open("rb") as opened:
        while chunk := await asyncio.to_thread(opened.read, CHUNK):
            yield chunk


def _detail(body: bytes) -> str:
    """What a problem document says; its beginning as it is where it is none."""
    try:
        return str(json.loads(body)["detail"])
    except (ValueError, KeyError, TypeError):
        return body[:200].decode(errors="replace")


def _retry(headers: Mapping[str, str]) -> float | None:
    seconds = headers.get("retry-after", "")
    return float(seconds) if seconds.isdigit() else None
