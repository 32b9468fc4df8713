"""Keeping memory between steps."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

from stream.config import REPOSITORY
from training.fitting.memory import keep_memory

FAULTS = """
import resource
import sys
import numpy as np
from training.fitting.memory import keep_memory
if sys.argv[1] == "keep":
    keep_memory()
for _ in range(21):
    np.ones(8_000_000, np.float32)
    if _ == 0:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(mode: str) -> int:
    """Page faults of 20 large arrays, made and freed one after the other."""
    done = subprocess.run(
        [sys.executable, "-c", FAULTS, mode], cwd=REPOSITORY, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="it speaks to glibc")
def test_freed_memory_is_used_again_without_page_faults() -> None:
    assert faults("keep") < 0.1 * faults("plain")


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ctypes.CDLL", lambda _: object())
    assert not keep_memory()
