"""Keeping memory between steps, where the C library would give it back."""

from __future__ import annotations

import ctypes
from typing import Final

M_TRIM_THRESHOLD: Final = -1
M_MMAP_THRESHOLD: Final = -3
LARGEST: Final = 2**31 - 1


def keep_memory() -> bool:
    """Ask glibc to keep freed blocks for the next step; False where the C library is another.

    By default it maps each large block anew and gives it back: at 224 px and 32 crops a step
    spent half of its time on the pages of activations (5.8 to 8.0 crops a second before, 14.6
    after). The same as ``MALLOC_MMAP_THRESHOLD_`` and ``MALLOC_TRIM_THRESHOLD_`` in the
    environment. The process keeps what it once needed.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # not glibc; Windows takes no None
        return False
    mallopt.argtypes, mallopt.restype = (ctypes.c_int, ctypes.c_int), ctypes.c_int
    set_both = [mallopt(name, LARGEST) for name in (M_MMAP_THRESHOLD, M_TRIM_THRESHOLD)]
    return all(set_both)
