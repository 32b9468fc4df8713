"""Threads share their heaps."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

# As many threads as glibc would give heaps of their own, each allocating while all are there.
HEAPS = """
import ctypes, sys, threading
from stream.memory import share_heaps

if sys.argv[1] == "shared":
    assert share_heaps()
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
count = int(sys.argv[2])
together = threading.Barrier(count)

def work():
    together.wait()
    libc.malloc(ctypes.c_size_t(1000))
    together.wait()

threads = [threading.Thread(target=work) for _ in range(count)]
for thread in threads: thread.start()
for thread in threads: thread.join()
libc.fdopen.restype = ctypes.c_void_p
out = libc.fdopen(1, b"w")
libc.malloc_info(0, ctypes.c_void_p(out))
libc.fflush(ctypes.c_void_p(out))
"""


def heaps(how: str) -> int:
    command = [sys.executable, "-c", HEAPS, how, str(8 * (os.cpu_count() or 1))]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.count(
        "<heap "
    )


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc alone has several heaps")
def test_threads_share_one_heap_a_core_instead_of_eight() -> None:
    most = max(2, os.cpu_count() or 1)
    assert heaps("shared") <= most
    assert heaps("as it is") > most
