"""SIGKILL in the middle of uploads: no file and no process is left."""

from __future__ import annotations

import signal
import socket
import time
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psutil

from tests.doubles import DEADLINE_S
from tests.program import Program
from tests.stream.files.site import portrait, saved

UPLOADS = 20
PART = 1_500_000
HEAD = (
    "POST /v1/analyze/video HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: video/mp4\r\n"
    "Content-Length: 9000000\r\n\r\n"
)


def spooled(pid: int, folder: Path) -> int:
    """How many of the process's open files lie in `folder`, whatever they are called there."""
    places = Path(f"/proc/{pid}/fd").iterdir()
    return sum(str(place.readlink()).startswith(f"{folder}/") for place in places)


def test_a_program_killed_in_the_middle_of_uploads_leaves_no_file_and_no_process(
    tmp_path: Path,
) -> None:
    file, folder = tmp_path / "config.toml", tmp_path / "spool"
    folder.mkdir()
    limits = f'[files]\nspool = "{folder}"\njobs = {UPLOADS}\n'
    file.write_text(f"streams = []\n{limits}", encoding="utf-8")
    with Program(["--config", str(file), "--port", "0"]) as program:
        address = program.address()
        picture = httpx.post(
            f"{address}v1/analyze/image",
            content=saved(portrait()),
            headers={"Content-Type": "image/png"},
            timeout=DEADLINE_S,
        )
        assert picture.status_code == 200  # decoding processes have been about
        below = psutil.Process(program.process.pid).children(recursive=True)
        assert below
        place = urlsplit(address)
        uploads = [_half_sent(str(place.hostname), place.port or 0) for _ in range(UPLOADS)]
        deadline_s = time.monotonic() + DEADLINE_S
        while spooled(program.process.pid, folder) < UPLOADS:
            assert time.monotonic() < deadline_s
            time.sleep(0.02)
        assert not list(folder.iterdir())
        program.process.send_signal(signal.SIGKILL)
        program.process.wait(DEADLINE_S)
        _, alive = psutil.wait_procs(below, DEADLINE_S)
        assert not alive
        assert not list(folder.iterdir())
        for upload in uploads:
            upload.close()


def _half_sent(host: str, port: int) -> socket.socket:
    upload = socket.create_connection((host, port), DEADLINE_S)
    upload.sendall(HEAD.encode() + bytes(PART))
    return upload
