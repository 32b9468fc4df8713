"""Freed memory: how much of it the C library keeps."""

from __future__ import annotations

import ctypes
import os
from typing import Final

M_ARENA_MAX: Final = -8


def share_heaps() -> bool:
    """Let all threads share one heap a core; False where the C library is not glibc.

    To be called before threads begin. By default glibc gives them up to eight heaps a core and
    keeps in each what was freed: as streams came and went, each decoded in a thread of its own,
    the process grew and shrank by 20 MB and more, though no more was in use. With one a core it
    stays where it is after the first streams. The same as ``MALLOC_ARENA_MAX``.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # not glibc; Windows takes no None
        return False
    mallopt.argtypes, mallopt.restype = (ctypes.c_int, ctypes.c_int), ctypes.c_int
    return bool(mallopt(M_ARENA_MAX, max(2, os.cpu_count() or 1)))
