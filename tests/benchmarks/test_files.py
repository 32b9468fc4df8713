"""Files and uploads: the clip that is sent, and what clients make of their answers."""

from __future__ import annotations

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import av
import pytest

from benchmarks import senders
from benchmarks.files import repeated
from benchmarks.senders import Client, Senders, Tally
from benchmarks.service import Answer, free_port
from stream.sources.demo import CLIP
from tests.doubles import DEADLINE_S


def test_a_clip_is_repeated_to_the_length_with_time_that_only_grows(tmp_path: Path) -> None:
    film = repeated(CLIP, tmp_path / "clip.mp4", 30.0)
    with av.open(str(film)) as read:
        stream = read.streams.video[0]
        assert stream.time_base
        times = [float(f.pts * stream.time_base) for f in read.decode(stream) if f.pts is not None]
    assert times == sorted(set(times))
    assert times[-1] == pytest.approx(30.0, abs=0.1)


def client(
    monkeypatch: pytest.MonkeyPatch, answers: list[Answer | Exception]
) -> tuple[Tally, Callable[[], None]]:
    """A client that gets these answers and then has to end."""
    tally, over = Tally(), threading.Event()

    def ask(port: int, *how: Any) -> Answer:
        answer = answers.pop(0)
        if not answers:
            over.set()
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(senders, "ask", ask)
    monkeypatch.setattr(senders, "POLL_S", 0.0)
    return tally, Client(1, b"", tally, over).run


def test_a_client_follows_its_job_and_comes_back_when_it_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tally, run = client(
        monkeypatch,
        [
            Answer(503, 0.0, {}),
            Answer(202, None, {"id": "a"}),
            Answer(200, None, {"state": "running"}),
            Answer(200, None, {"state": "done"}),
            Answer(429, 0.0, {}),
        ],
    )
    run()
    assert dict(tally.answers) == {"503": 1, "202": 1, "429": 1}
    assert (tally.jobs["done"], tally.unclear) == (1, 0)


def test_an_answer_that_leaves_a_client_helpless_is_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    helpless: list[Answer | Exception] = [Answer(503, None, {}), Answer(500, None, {})]
    helpless += [ConnectionResetError(), Answer(202, None, {"id": "a"})]
    tally, run = client(monkeypatch, helpless)
    run()
    assert tally.unclear == 3


def test_a_free_port_is_one() -> None:
    assert 1024 <= free_port() <= 65535


def test_senders_are_a_process_that_tells_what_they_were_answered(tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(b"clip")
    received, both = list[bytes](), threading.Barrier(3, timeout=DEADLINE_S)

    class Full(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(503)
            self.send_header("Retry-After", "60")
            self.end_headers()
            both.wait()

    with ThreadingHTTPServer(("127.0.0.1", 0), Full) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with Senders(server.server_port, clip, 2) as sending:
            both.wait()
            told = sending.stop()
        server.shutdown()
    assert (received, dict(told.answers), told.unclear) == ([b"clip"] * 2, {"503": 2}, 0)
