"""A server that says what a test wants: the page's half of the contract, without a detector.

Each stream shows a white square on grey that moves with `frame_seq`, and its message boxes that
square, so that a box on another frame's picture is visible to anyone who compares pixels. Run it
by hand to work on the page: ``python tests/browser/fake_server.py``.
"""

from __future__ import annotations

import asyncio
import base64
import json
import math
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import cv2
import numpy as np
import uvicorn
from fastapi import FastAPI, Request, Response, WebSocket
from fastapi.responses import FileResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
from numpy.typing import NDArray

WEB: Final = Path(__file__).resolve().parents[2] / "stream" / "web"
FRAME: Final = (640, 360)
SIDE: Final = 120
POLICY: Final = "default-src 'self'; img-src 'self' blob:"

Face = dict[str, Any]


def square_px(seq: int) -> tuple[int, int, int, int]:
    """Where frame `seq` has its square: x1, y1, x2, y2. It jumps far from one frame to the next."""
    x, y = 20 + seq * 37 % 480, 40 + seq * 23 % 180
    return x, y, x + SIDE, y + SIDE


def square_picture(seq: int) -> NDArray[np.uint8]:
    """Frame `seq`: grey with a white square."""
    pixels = np.full((FRAME[1], FRAME[0], 3), 96, np.uint8)
    x1, y1, x2, y2 = square_px(seq)
    pixels[y1:y2, x1:x2] = 255
    return pixels


def face(box: tuple[float, float, float, float], **changes: Any) -> Face:
    """One face of a message, `changes` over sensible fields."""
    x1, y1, x2, y2 = box
    w, h = x2 - x1, y2 - y1
    points = [(0.3, 0.4), (0.7, 0.4), (0.5, 0.6), (0.35, 0.8), (0.65, 0.8)]
    return {
        "track_id": 1,
        "box_px": list(box),
        "landmarks_px": [[x1 + w * fx, y1 + h * fy] for fx, fy in points],
        "probability_fake": 0.31,
        "frame_probability_fake": 0.28,
        "state": "no_evidence",
        "reasons": [],
        "quality": 0.83,
        "samples": 18,
        "evidence_age_ms": 90.0,
        "fake_since_s": None,
        "undecided_s": 0.0,
        "evidence_nats": 0.4,
        **changes,
    }


def square_face(seq: int) -> list[Face]:
    """The one face of frame `seq`: exactly its square."""
    return [face(square_px(seq), probability_fake=0.3 + 0.2 * math.sin(seq / 20))]


def heatmap(seq: int) -> str:
    """A heat map with a hot spot that wanders."""
    y, x = np.mgrid[0:14, 0:14]
    spot = np.exp(-((x - 7 - 3 * math.sin(seq / 9)) ** 2 + (y - 6) ** 2) / 6)
    return base64.b64encode((spot * 255).astype(np.uint8).tobytes()).decode()


@dataclass(slots=True)
class FakeStream:
    """What one stream shows, changed by tests while it runs."""

    stream_id: str = "demo"
    source: str = "demo"
    faces: Callable[[int], list[Face]] = square_face
    picture: Callable[[int], NDArray[np.uint8]] = square_picture
    preview_scale: float = 1.0
    fps: float = 15.0
    source_state: str = "live"
    state: str = "no_evidence"
    running: bool = True
    message_delay_s: float = 0.0
    message_every: int = 1
    degraded: list[str] = field(default_factory=list)
    message_changes: dict[str, Any] = field(default_factory=dict)
    thresholds: dict[str, Any] | None = None
    epoch: int = 0
    seq: int = 0
    epoch_starts: int = 0
    viewers: list[tuple[str, bool, asyncio.Queue[Any]]] = field(default_factory=list)

    def watching(self, channel: str) -> int:
        """How many sockets are open on `scores` or `video`."""
        return sum(kind == channel for kind, _, _ in self.viewers)

    def health(self) -> dict[str, Any]:
        """The stream's health object."""
        return {
            "evidence_age_ms": 90.0,
            "fps_in": self.fps,
            "fps_scored": 4.0,
            "dropped": 1203,
            "engine": "onnxruntime",
            "device": "cpu",
            "decoder": "h264 (software)",
            "source_state": self.source_state,
            "degraded": self.degraded,
        }

    def media_time_s(self, seq: int) -> float:
        """Media time of frame `seq` within its epoch."""
        return (seq - self.epoch_starts) / self.fps

    def message(self, seq: int, with_heatmap: bool) -> dict[str, Any]:
        """The overlay message of frame `seq`."""
        faces = self.faces(seq)
        if with_heatmap:
            faces = [{**item, "heatmap": heatmap(seq)} for item in faces]
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return {
            "version": 1,
            "stream_id": self.stream_id,
            "seq": seq,
            "frame_seq": seq,
            "epoch": self.epoch,
            "media_time_s": self.media_time_s(seq),
            "captured_at": now,
            "clock": "arrival",
            "rtp_timestamp": None,
            "frame_size_px": list(FRAME),
            "state": faces[0]["state"] if faces else "no_face",
            "faces": faces,
            "health": self.health(),
            **self.message_changes,
        }

    def video(self, seq: int) -> bytes:
        """The preview of frame `seq`."""
        pixels = cv2.resize(self.picture(seq), None, fx=self.preview_scale, fy=self.preview_scale)
        _, jpeg = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 92])
        return struct.pack(">QQ", seq, round(self.media_time_s(seq) * 1e6)) + jpeg.tobytes()

    async def play(self) -> None:
        """Show frame after frame at `fps`, as long as `running`."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(1 / self.fps)
            if not self.running:
                continue
            self.seq += 1
            self._offer("video", self.video(self.seq))
            if self.seq % self.message_every == 0:
                plain, heated = (json.dumps(self.message(self.seq, heat)) for heat in (False, True))
                loop.call_later(self.message_delay_s, self._offer, "scores", plain, heated)

    def _offer(self, kind: str, plain: str | bytes, heated: str | bytes = "") -> None:
        for channel, wanted, queue in self.viewers:
            if channel == kind and not queue.full():
                queue.put_nowait(heated if wanted else plain)


class FakeServer:
    """The server, in a thread of its own; a context manager. It keeps its port over a restart.

    `requested` holds the path and query of every WebSocket that was opened, newest last.
    """

    def __init__(
        self, *streams: FakeStream, token: str | None = None, port: int = 0, prefix: str = ""
    ) -> None:
        self.streams = {stream.stream_id: stream for stream in streams}
        self.token = token
        self.port = port
        self.prefix = prefix
        self.requested: deque[str] = deque(maxlen=100)
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """The page's address."""
        return f"http://127.0.0.1:{self.port}{self.prefix}/"

    def __enter__(self) -> FakeServer:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Listen; returns once connections are accepted."""
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen()
        self.port = listener.getsockname()[1]
        config = uvicorn.Config(
            _app(self), log_level="warning", ws="websockets-sansio", timeout_graceful_shutdown=0
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([listener],))
        self._thread.start()

    def stop(self) -> None:
        """Close every connection and the port."""
        if self._server and self._thread:
            self._server.should_exit = True
            self._thread.join(timeout=10)
        for stream in self.streams.values():
            stream.viewers.clear()

    def authorised(self, headers: Any) -> bool:
        """Whether the request carries the token, if there is one."""
        if self.token is None:
            return True
        offered = headers.get("sec-websocket-protocol", "").split(", ")
        bearer = headers.get("authorization") == f"Bearer {self.token}"
        return bearer or f"token.{self.token}" in offered


def _app(server: FakeServer) -> FastAPI:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        playing = [asyncio.create_task(stream.play()) for stream in server.streams.values()]
        yield
        for task in playing:
            task.cancel()
        await asyncio.gather(*playing, return_exceptions=True)

    inner = FastAPI()
    _add_page(inner)
    _add_streams(inner, server)
    app = FastAPI(lifespan=lifespan)
    app.mount(server.prefix or "/", inner)
    return app


def _add_page(app: FastAPI) -> None:
    @app.middleware("http")
    async def harden(request: Request, call_next: Any) -> Response:
        response: Response = await call_next(request)
        response.headers["Content-Security-Policy"] = POLICY
        return response

    @app.get("/")
    async def page() -> FileResponse:
        return FileResponse(WEB / "index.html")

    app.mount("/assets", StaticFiles(directory=WEB))


def _add_streams(app: FastAPI, server: FakeServer) -> None:
    @app.get("/v1/streams")
    async def streams(request: Request) -> Response:
        if not server.authorised(request.headers):
            return JSONResponse({"title": "a token is needed"}, 401)
        listed = [
            {"id": item.stream_id, "source": item.source, "state": item.state}
            | {"health": item.health(), "thresholds": item.thresholds}
            for item in server.streams.values()
        ]
        return JSONResponse({"streams": listed})

    @app.websocket("/v1/streams/{stream_id}/{channel}")
    async def sockets(
        socket: WebSocket, stream_id: str, channel: str, heatmap: bool = False
    ) -> None:
        server.requested.append(f"{socket.url.path}?{socket.url.query}")
        stream = server.streams.get(stream_id)
        if stream is None or not server.authorised(socket.headers):
            await socket.close(1008)
            return
        await socket.accept("deepfakestream.v1")
        await _serve(socket, stream, channel, heatmap)


async def _serve(socket: WebSocket, stream: FakeStream, channel: str, heatmap: bool) -> None:
    queue: asyncio.Queue[Any] = asyncio.Queue(8)
    viewer = (channel, heatmap, queue)
    stream.viewers.append(viewer)
    send = socket.send_bytes if channel == "video" else socket.send_text

    async def pump() -> None:
        while True:
            await send(await queue.get())

    pumping = asyncio.create_task(pump())
    try:
        await socket.receive()
    finally:
        pumping.cancel()
        await asyncio.gather(pumping, return_exceptions=True)
        if viewer in stream.viewers:
            stream.viewers.remove(viewer)


if __name__ == "__main__":
    with FakeServer(FakeStream(), port=8123):
        while True:
            time.sleep(60)
