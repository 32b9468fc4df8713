"""The cameras' RTSP server: ``python -m benchmarks.cameras.server FILM COUNT``.

Mounts /camera0 to /camera(COUNT-1) on 127.0.0.1, over TCP only, without passwords. Writes one JSON
line, {"port": N}, when it listens; a second one with what was sent when its standard input closes,
and ends: a run that dies leaves no sender behind.
"""

from __future__ import annotations

import asyncio
import base64
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from benchmarks.cameras.camera import Camera, cameras
from benchmarks.cameras.film import Film, read_film
from benchmarks.cameras.packets import CLOCK_HZ, PAYLOAD_TYPE
from benchmarks.report import percentiles

METHODS: Final = "OPTIONS, DESCRIBE, SETUP, PLAY, GET_PARAMETER, TEARDOWN"
INTERLEAVED: Final = "RTP/AVP/TCP;unicast;interleaved=0-1"
Headers = dict[str, str]


class Conversation:
    """One connection: requests in, answers out; what a camera plays goes between them."""

    def __init__(
        self,
        film: Film,
        mounts: Sequence[Camera],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self._film = film
        self._mounts = mounts
        self._reader = reader
        self._writer = writer
        self._playing: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Until either side hangs up; then the camera stops as well."""
        try:
            while (request := await self._request()) is not None:
                self._answer(*request)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the viewer is gone
        finally:
            if self._playing:
                self._playing.cancel()
                await asyncio.gather(self._playing, return_exceptions=True)
            self._writer.close()

    async def _request(self) -> tuple[str, str, Headers] | None:
        while (first := await self._reader.readexactly(1)) == b"$":
            # A receiver report, interleaved: nobody here wants it.
            head = await self._reader.readexactly(3)
            await self._reader.readexactly(int.from_bytes(head[1:], "big"))
        text = (first + await self._reader.readuntil(b"\r\n\r\n")).decode()
        line, *rest = text.strip().split("\r\n")
        method, address, _ = line.split(" ", 2)
        pairs = (one.partition(":") for one in rest)
        headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
        await self._reader.readexactly(int(headers.get("content-length", 0)))
        return None if method == "TEARDOWN" else (method, address, headers)

    def _answer(self, method: str, address: str, headers: Headers) -> None:
        number = camera_number(address)
        if number is None or number >= len(self._mounts):
            self._reply(headers, "404 Not Found")
            return
        answers: dict[str, Callable[[], tuple[Headers, str]]] = {
            "OPTIONS": lambda: ({"Public": METHODS}, ""),
            "DESCRIBE": lambda: (
                {"Content-Base": address + "/", "Content-Type": "application/sdp"},
                description(self._film),
            ),
            "SETUP": lambda: ({"Transport": INTERLEAVED, "Session": "1;timeout=60"}, ""),
            "PLAY": lambda: ({"Session": "1", "Range": "npt=now-"}, ""),
            "GET_PARAMETER": lambda: ({"Session": "1"}, ""),
        }
        if method not in answers:
            self._reply(headers, "501 Not Implemented")
        elif method == "SETUP" and "TCP" not in headers.get("transport", ""):
            self._reply(headers, "461 Unsupported Transport")
        else:
            more, body = answers[method]()
            self._reply(headers, "200 OK", more, body)
            if method == "PLAY" and self._playing is None:
                camera = self._mounts[number]
                self._playing = asyncio.create_task(camera.play(self._writer.transport))

    def _reply(
        self, asked: Headers, status: str, more: Headers | None = None, body: str = ""
    ) -> None:
        lines = [f"RTSP/1.0 {status}", f"CSeq: {asked.get('cseq', '0')}"]
        lines += [f"{name}: {value}" for name, value in (more or {}).items()]
        if body:
            lines.append(f"Content-Length: {len(body)}")
        self._writer.write(("\r\n".join(lines) + "\r\n\r\n" + body).encode())


def camera_number(address: str) -> int | None:
    """N of rtsp://…/cameraN or …/cameraN/track; None for any other address."""
    name = urlsplit(address).path.strip("/").partition("/")[0]
    digits = name.removeprefix("camera")
    return int(digits) if name.startswith("camera") and digits.isdecimal() else None


def description(film: Film) -> str:
    """The session as SDP."""
    sets = ",".join(base64.b64encode(one).decode() for one in film.parameter_sets)
    return "\r\n".join(
        [
            "v=0",
            "o=- 0 0 IN IP4 127.0.0.1",
            "s=camera",
            "c=IN IP4 0.0.0.0",
            "t=0 0",
            "a=control:*",
            f"m=video 0 RTP/AVP {PAYLOAD_TYPE}",
            f"a=rtpmap:{PAYLOAD_TYPE} H264/{CLOCK_HZ}",
            f"a=fmtp:{PAYLOAD_TYPE} packetization-mode=1;sprop-parameter-sets={sets}",
            "a=control:track",
            "",
        ]
    )


def told(mounts: Sequence[Camera]) -> dict[str, Any]:
    """What all cameras did together."""
    late_ms = [1000 * late_s for one in mounts for late_s in one.counts.late_s]
    return {
        "sent": sum(one.counts.sent for one in mounts),
        "left_out": sum(one.counts.left_out for one in mounts),
        "late_ms": percentiles(late_ms),
    }


async def serve(film: Film, count: int) -> None:
    """Serve until standard input closes."""
    mounts = cameras(film, count)
    connections: set[asyncio.Task[None]] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        connections.add(task)
        try:
            await Conversation(film, mounts, reader, writer).run()
        finally:
            connections.discard(task)

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    server.close()
    for task in connections:
        task.cancel()
    await asyncio.gather(*connections, return_exceptions=True)
    print(json.dumps(told(mounts)), flush=True)


if __name__ == "__main__":
    asyncio.run(serve(read_film(Path(sys.argv[1])), int(sys.argv[2])))
