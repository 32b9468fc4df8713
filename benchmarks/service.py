"""The program as a service for files: started without streams, or beside live cameras."""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.program import Program, ProgramEnded

READY_S: Final = 120.0
POLL_S: Final = 0.25
TIMEOUT_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request got."""

    status: int
    retry_after_s: float | None
    body: dict[str, Any]


def free_port() -> int:
    """A port of loopback that nobody has just now."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def ask(port: int, method: str, path: str, clip: bytes | None = None) -> Answer:
    """Send one request.

    Raises: OSError, http.client.HTTPException when the connection breaks.
    """
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
    try:
        headers = {} if clip is None else {"Content-Type": "video/mp4"}
        connection.request(method, path, clip, headers)
        answer = connection.getresponse()
        text, after = answer.read(), answer.getheader("Retry-After")
        body = json.loads(text) if text else {}
        return Answer(answer.status, None if after is None else float(after), body)
    finally:
        connection.close()


def wait_serving(port: int) -> None:
    """Wait until the program answers.

    Raises: ProgramEnded when it does not in time.
    """
    deadline_s = time.monotonic() + READY_S
    while time.monotonic() < deadline_s:
        try:
            if ask(port, "GET", "/readyz").status == 200:
                return
        except OSError:
            pass  # it does not listen yet
        time.sleep(POLL_S)
    raise ProgramEnded(f"it does not answer within {READY_S:.0f} s")


def wait_ended(port: int, job_id: str) -> dict[str, Any]:
    """Poll a job until it has ended; give its last answer."""
    while True:
        body = ask(port, "GET", f"/v1/jobs/{job_id}").body
        if body.get("state") not in {"waiting", "running"}:
            return body
        time.sleep(POLL_S)


@contextmanager
def file_service(folder: Path, arguments: Sequence[str]) -> Iterator[tuple[Program, int]]:
    """The program without streams, and its port; it is killed on leaving."""
    config, port = folder / "files.toml", free_port()
    config.write_text("streams = []\n", encoding="utf-8")
    with Program(["--config", str(config), "--port", str(port), *arguments]) as program:
        wait_serving(port)
        yield program, port
