"""A web server on loopback that plays camera: motion JPEG, a file, and how both fail."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import cv2

from tests.stream.sources.clips import picture

FRAME_S = 0.04


class WebCamera(ThreadingHTTPServer):
    """`files` maps paths to bodies; /mjpeg sends pictures for ever, /closing ten of them, /stall
    ten and then nothing; /to/… redirects there; /401, /403, /404, /429, /500 answer so.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.over = threading.Event()

    def url(self, path: str, login: str = "") -> str:
        return f"http://{login}127.0.0.1:{self.server_port}/{path}"


class _Handler(BaseHTTPRequestHandler):
    server: WebCamera

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Say nothing."""

    def do_GET(self) -> None:
        path = self.path.lstrip("/")
        if path in self.server.files:
            body = self.server.files[path]
            self.server.asked.append(path)
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self._write(body)
        elif path in {"mjpeg", "closing", "stall"}:
            self._motion(path)
        elif path.startswith("to/"):
            self.send_response(302)
            self.send_header("Location", f"/{path.removeprefix('to/')}")
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            self.send_error(int(path) if path.isdigit() else 404)

    def _motion(self, path: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=cut")
        self.end_headers()
        number = 0
        while path == "mjpeg" or number < 10:
            coded, jpeg = cv2.imencode(".jpg", picture(number))
            assert coded
            head = f"--cut\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
            if not self._write(head.encode() + jpeg.tobytes() + b"\r\n"):
                return
            number += 1
            if self.server.over.wait(FRAME_S):
                return
        if path == "stall":
            self.server.over.wait()

    def _write(self, data: bytes) -> bool:
        try:
            self.wfile.write(data)
        except OSError:
            return False
        return True


@contextmanager
def web_camera() -> Iterator[WebCamera]:
    server = WebCamera()
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.over.set()
        server.shutdown()
        thread.join()
        server.server_close()
