"""Levels: one disturbance alone, at a known strength, for curves of the detector's figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

import cv2
import numpy as np

from training.channel.call import FPS, Shown, shown_in_call
from training.channel.camera import Defocus, Light, Noise
from training.channel.codec import Encoder, h264_at_rate, vp8_at_rate
from training.channel.scale import resized
from training.channel.stage import Pixels, Stage
from training.channel.still import Jpeg

Disturb = Callable[[Pixels, int], Pixels]
"""Takes uint8 RGB (S, S, 3) and a seed, and gives a picture of the same shape."""

LEVELS: Final[Mapping[str, tuple[float, ...]]] = {
    "jpeg": (95, 85, 75, 60, 45, 30, 20),
    "h264": (2000, 1000, 500, 300, 150, 80),
    "vp8": (2000, 1000, 500, 300, 150, 80),
    "scale": (224, 160, 112, 80, 56, 40),
    "blur": (0.5, 1, 1.5, 2, 3),
    "noise": (2, 4, 8, 12, 20),
    "brightness": (0.3, 0.5, 0.75, 1.25, 1.6, 2),
}
"""The evaluation's grid, from a kind's mildest level to its hardest, brightness from dark on.

`jpeg` is a quality; `h264` and `vp8` kbit/s of a `call`; `scale` the side in px to which the
crop shrinks, unless it is smaller; `blur` a Gaussian's sigma in px of a crop of 224 px; `noise`
a standard deviation in grey levels; `brightness` a gain.
"""


def at_level(kind: str, level: float) -> Disturb:
    """Give what disturbs a crop by `kind` at `level`, the same way for the same seed.

    It can be sent to another process.

    Raises: ValueError for a kind that `LEVELS` does not name.
    """
    if kind not in LEVELS:
        raise ValueError(f"no disturbance is called {kind!r}: choose one of {', '.join(LEVELS)}")
    return partial(_disturbed, kind, level)


def in_call(kind: str, kbit_per_s: float) -> Callable[[Pixels, int], Shown]:
    """Give what shows a crop in a call, the same way for the same seed as `at_level` does."""
    return partial(_shown, kind, kbit_per_s)


def call_encoder(kind: str, kbit_per_s: float) -> Encoder:
    """Give the codec of a call at a rate; `kind` is ``h264`` or ``vp8``.

    The speeds are those of weak computers, near OpenH264's and libvpx's on a telephone.
    """
    rate = round(kbit_per_s * 1000)
    if kind == "vp8":
        return vp8_at_rate(rate, speed=8, fps=FPS)
    return h264_at_rate(rate, preset="superfast", fps=FPS)


def _disturbed(kind: str, level: float, pixels: Pixels, seed: int) -> Pixels:
    return _MAKERS[kind](level)(pixels, np.random.default_rng(seed))


def _shown(kind: str, level: float, pixels: Pixels, seed: int) -> Shown:
    return shown_in_call(pixels, call_encoder(kind, level), np.random.default_rng(seed))


def _call(kind: str) -> Callable[[float], Stage]:
    return lambda level: (
        lambda pixels, rng: shown_in_call(pixels, call_encoder(kind, level), rng).pixels
    )


def _shrunk(level: float) -> Stage:
    def shrink(pixels: Pixels, rng: np.random.Generator) -> Pixels:
        own = pixels.shape[0]
        small = resized(pixels, min(own, round(level)), cv2.INTER_AREA)
        return resized(small, own, cv2.INTER_CUBIC)

    return shrink


def _jpeg(level: float) -> Stage:
    def encode(pixels: Pixels, rng: np.random.Generator) -> Pixels:
        left, top = (int(value) for value in rng.integers(0, 16, 2))
        return Jpeg(round(level), (left, top))(pixels, rng)

    return encode


def _gain(level: float) -> Stage:
    return Light((level, level, level), offset=0, gamma=1)


_MAKERS: Final[Mapping[str, Callable[[float], Stage]]] = {
    "jpeg": _jpeg,
    "h264": _call("h264"),
    "vp8": _call("vp8"),
    "scale": _shrunk,
    "blur": Defocus,
    "noise": Noise,
    "brightness": _gain,
}
