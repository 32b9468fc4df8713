"""Hard negatives: what is done to real faces in calls every day, and is no face swap.

A network that learns from blends alone becomes a detector of any compositing (BlenD, arXiv
2605.10334); these teach it what to leave alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from training.negatives.camera import beautified, denoised, night, oversharpened
from training.negatives.objects import covered, glasses
from training.negatives.scene import captioned, letterboxed, virtual_background
from training.portrait import Pixels, Portrait

__all__ = ["KINDS", "disturb"]

KINDS: Final[Mapping[str, Callable[[Portrait, np.random.Generator], Pixels]]] = {
    "beauty filter": beautified,
    "virtual background": virtual_background,
    "caption": captioned,
    "glasses": glasses,
    "over-sharpening": oversharpened,
    "denoising": denoised,
    "night gain": night,
    "occlusion": covered,
    "letterbox": letterboxed,
}
"""Each gives uint8 RGB of the portrait's size and writes into nothing that it was given."""


def disturb(portrait: Portrait, rng: np.random.Generator) -> Pixels:
    """Disturb a portrait in one way that leaves its face real."""
    names = sorted(KINDS)
    return KINDS[names[int(rng.integers(len(names)))]](portrait, rng)
