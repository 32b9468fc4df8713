"""Builders of what is prepared, with defaults that a test overrides where it matters."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np

from training.crops import Pixels
from training.prepare.item import Crop

_serial = itertools.count()


def crop(**given: Any) -> Crop:
    """A crop of its own group, unlike all others made here."""
    number = next(_serial)
    usual: dict[str, Any] = {
        "file": f"real/{number}.jpg",
        "fake": False,
        "source": "x",
        "identities": (f"x/{number}",),
        "crop_scale": 1.6,
        "phash": f"{number * 0x9E3779B97F4A7C15 % 2**64:016x}",  # far apart: golden-ratio hashing
    }
    return Crop(**(usual | given))


def touch(root: Path, *names: str) -> None:
    """Make empty files."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def noise(seed: int, side: int = 96) -> Pixels:
    """A picture without any face."""
    coarse = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), np.uint8)
    return np.asarray(np.kron(coarse, np.ones((side // 8, side // 8, 1), np.uint8)), np.uint8)
