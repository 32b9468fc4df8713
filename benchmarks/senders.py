"""Those who send clips: ``python -m benchmarks.senders PORT CLIP COUNT``.

A process of their own, so that whoever reads the program's messages meanwhile waits for none of
them. They send until standard input closes; what they were told is then on standard output, JSON.
"""

from __future__ import annotations

import http.client
import json
import sys
import threading
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from benchmarks.beside import Beside
from benchmarks.service import ask

POLL_S: Final = 1.0
COME_BACK: Final = (429, 503)
END_S: Final = 90.0
"""A client may be within a request, which has a limit of its own."""


@dataclass(slots=True)
class Tally:
    """What the clients were told."""

    answers: Counter[str] = field(default_factory=Counter)
    jobs: Counter[str] = field(default_factory=Counter)
    rude: int = 0
    """Told to come back, but not when."""
    broken: int = 0
    """Connections that broke instead of an answer."""

    @property
    def unclear(self) -> int:
        """What a client could do nothing with."""
        clear = {str(status) for status in (202, *COME_BACK)}
        wrong = sum(n for status, n in self.answers.items() if status not in clear)
        return wrong + self.rude + self.broken

    def body(self) -> dict[str, Any]:
        """All of it, for JSON."""
        return {
            "answers": dict(self.answers),
            "jobs": dict(self.jobs),
            "rude": self.rude,
            "broken": self.broken,
        }


class Client:
    """One of those who send; `run` in a thread of its own until `over`."""

    def __init__(self, port: int, clip: bytes, tally: Tally, over: threading.Event) -> None:
        self._port = port
        self._clip = clip
        self._tally = tally
        self._over = over

    def run(self) -> None:
        """Send, follow, wait, send again."""
        while not self._over.is_set():
            try:
                self._once()
            except (OSError, http.client.HTTPException):
                if not self._over.is_set():
                    self._tally.broken += 1

    def _once(self) -> None:
        answer = ask(self._port, "POST", "/v1/analyze/video", self._clip)
        self._tally.answers[str(answer.status)] += 1
        if answer.status == 202:
            self._follow(answer.body["id"])
        elif answer.retry_after_s is None:
            self._tally.rude += answer.status in COME_BACK
            self._over.wait(POLL_S)
        else:
            self._over.wait(answer.retry_after_s)

    def _follow(self, job_id: str) -> None:
        while not self._over.wait(POLL_S):
            state = ask(self._port, "GET", f"/v1/jobs/{job_id}").body["state"]
            if state not in {"waiting", "running"}:
                self._tally.jobs[state] += 1
                return


class Senders(Beside):
    """`count` clients that send `clip` to `port`, in a process that this context manager kills.

    Raises: RuntimeError when they do not come up; their own words are on standard error.
    """

    def __init__(self, port: int, clip: Path, count: int) -> None:
        super().__init__("benchmarks.senders", port, clip, count)

    def stop(self) -> Tally:
        """End them; gives what they were told."""
        told = self.close(END_S)
        return Tally(Counter(told["answers"]), Counter(told["jobs"]), told["rude"], told["broken"])


def main(arguments: Sequence[str]) -> int:
    """Send until standard input closes."""
    port, clip, count = int(arguments[0]), Path(arguments[1]).read_bytes(), int(arguments[2])
    tally, over = Tally(), threading.Event()
    print(json.dumps({"clients": count}), flush=True)
    with ThreadPoolExecutor(count) as clients:
        for _ in range(count):
            clients.submit(Client(port, clip, tally, over).run)
        sys.stdin.read()
        over.set()
    print(json.dumps(tally.body()))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
