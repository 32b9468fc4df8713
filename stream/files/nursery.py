"""The process that decoding processes are forked from: ``python -m stream.files.nursery``.

It has the decoders in memory and nothing else of the program: no token, no socket but the one that
requests come by, no other sender's file. A fork of it takes milliseconds; it decodes one file, with
its memory and time limited and nothing further to be opened, and ends.

A request is one byte with two descriptors: the file, and the socket to talk over. What to do with
the file is the first message there. Before that, the fork sends a descriptor of itself, by which it
can be ended whatever it is doing. The end of the requests' socket ends this process.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import resource
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import av
import av.logging

from stream.files import wire
from stream.files.decoding import DECODERS
from stream.files.errors import Broken, FileError, TooLarge

AUTOGROUP: Final = Path("/proc/self/autogroup")


def main() -> None:
    """Fork for each request until there are no more."""
    _be_nice()
    requests = socket.socket(fileno=sys.stdin.fileno())
    _load_all()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody asks how a fork ended: none is left over
    av.logging.set_level(None)  # FFmpeg has much to say of broken files
    while True:
        _, descriptors, _, _ = socket.recv_fds(requests, 1, 2)
        if len(descriptors) < 2:
            return
        if os.fork() == 0:
            _decode(*descriptors)
        for descriptor in descriptors:
            os.close(descriptor)


def _be_nice() -> None:
    """Linux may weigh sessions against each other first, and processes only within theirs: this
    session is to be as nice as this process was made.
    """
    with suppress(OSError):  # a kernel without it
        AUTOGROUP.write_text(str(os.nice(0)), encoding="ascii")


def _load_all() -> None:
    """Load what PyAV would load when it meets a stream of some kind: no fork can do so any more."""
    for module in pkgutil.walk_packages(av.__path__, "av."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)


def _decode(file: int, place: int) -> None:
    """Do what is asked, say how it ended, and leave without going back to the loop above."""
    try:
        with socket.socket(fileno=place) as channel, open(file, "rb", buffering=0) as media:
            os.dup2(sys.stderr.fileno(), sys.stdin.fileno())
            _introduce(channel)
            request, _ = wire.receive(channel)
            _confine(request, max(file, place) + 1)
            wire.send(channel, _outcome(channel, media, request))
    finally:  # no exception may reach the loop above
        os._exit(0)


def _outcome(channel: socket.socket, media: Any, request: dict[str, Any]) -> dict[str, Any]:
    error: FileError
    try:
        return {"end": DECODERS[request["kind"]](channel, media, request)}
    except FileError as exc:
        error = exc
    except MemoryError:
        error = TooLarge("decoding it takes more memory than a file may have: send a smaller one")
    except OSError:
        raise  # the service has gone
    except Exception as exc:  # the process's edge: the decoders' errors have no common root
        error = Broken(f"it cannot be decoded ({type(exc).__name__}): record or copy it again")
    return {"failed": {"status": error.status, "problem": str(error)}}


def _introduce(channel: socket.socket) -> None:
    if sys.platform == "linux":
        myself = os.pidfd_open(os.getpid())
        socket.send_fds(channel, [b"."], [myself])
        os.close(myself)
    else:
        channel.sendall(b".")


def _confine(request: dict[str, Any], descriptors: int) -> None:
    pages = Path("/proc/self/statm")
    if pages.exists():
        taken = int(pages.read_text().split()[0]) * resource.getpagesize()
        most = taken + (int(request["memory_mb"]) << 20)
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    cpu_s = int(request["cpu_s"])
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    # Every number below is taken: neither a file nor a connection can be opened any more.
    resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))


if __name__ == "__main__":
    main()
