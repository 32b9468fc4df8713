"""Starts, stops, kills and freezes the RTSP server of `server.py`.

Needs nothing but the standard library and Debian's python3 with GStreamer's bindings, so that
tests and benchmarks share it.
"""

from __future__ import annotations

import functools
import json
import os
import select
import signal
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from urllib.parse import quote

PYTHON: Final = "/usr/bin/python3"
SERVER: Final = Path(__file__).resolve().with_name("server.py")
PACKAGES: Final = (
    "python3-gi gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-base gstreamer1.0-plugins-good "
    "gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly"
)
USER: Final = "viewer"
PASSWORD: Final = "w0rd:of/odd@signs"  # noqa: S105  what server.py expects, no secret
START_TIMEOUT_S: Final = 20.0

_PROBE = """
import gi
gi.require_version("Gst", "1.0"); gi.require_version("GstRtspServer", "1.0")
from gi.repository import Gst, GstRtspServer
Gst.init(None)
names = "appsrc x264enc h264parse rtph264pay jpegenc rtpjpegpay qtdemux alawenc rtppcmapay".split()
missing = [name for name in names if Gst.ElementFactory.find(name) is None]
raise SystemExit("elements missing: " + " ".join(missing) if missing else 0)
"""


@functools.cache
def missing() -> str | None:
    """Why the server cannot run here, with the Debian packages that it needs; None if it can."""
    try:
        probe = subprocess.run([PYTHON, "-c", _PROBE], capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired) as exc:
        why = str(exc)
    else:
        if probe.returncode == 0:
            return None
        why = (probe.stderr.strip().splitlines() or ["it failed"])[-1]
    return f"no RTSP server ({why}); on Debian: apt install {PACKAGES}"


class RtspServer:
    """A server process on 127.0.0.1, running from construction until `stop`.

    `options` are those of `server.py` without dashes: ``size="1280x720", fps=30, file=path``. Ports
    are chosen once and kept by `restart`, so that a client finds it again. Leaving the context
    kills it, frozen or not.

    Raises: RuntimeError with what the server wrote, when it does not come up.
    """

    def __init__(self, **options: object) -> None:
        self._options = {name.replace("_", "-"): str(value) for name, value in options.items()}
        self._process: subprocess.Popen[str] | None = None
        self.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()

    @property
    def pid(self) -> int:
        """The server's process, whose CPU time is to be told apart from the program's."""
        return self._running().pid

    def start(self) -> None:
        """Run it; returns once it listens."""
        words = [f"--{name}={value}" for name, value in self._options.items()]
        self._process = process = subprocess.Popen(
            [PYTHON, str(SERVER), *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        ready, _, _ = select.select([process.stdout], [], [], START_TIMEOUT_S)
        line = process.stdout.readline() if ready else ""
        if not line:
            self.kill()
            raise RuntimeError("the RTSP server did not start; its own words are above")
        ports = json.loads(line)
        self._options |= {"port": str(ports["port"]), "secret-port": str(ports["secret_port"])}

    def url(self, mount: str, user: str = "", password: str = "") -> str:
        """The address of `mount`, such as ``clock``; credentials are escaped."""
        port = self._options["secret-port" if mount == "secret" else "port"]
        login = f"{quote(user, safe='')}:{quote(password, safe='')}@" if user else ""
        return f"rtsp://{login}127.0.0.1:{port}/{mount}"

    def kill(self) -> None:
        """SIGKILL, as a camera that loses its power; the system closes its connections."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()

    stop = kill

    def freeze(self) -> None:
        """SIGSTOP, as a camera that hangs: connections stay open and nothing comes."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Go on after `freeze`."""
        os.kill(self.pid, signal.SIGCONT)

    def restart(self, **changes: object) -> None:
        """Come back on the same ports, with `changes` to the options."""
        self.kill()
        self._options |= {name.replace("_", "-"): str(value) for name, value in changes.items()}
        self.start()

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None:
            raise RuntimeError("the RTSP server is not running")
        return self._process
