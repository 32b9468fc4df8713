"""Channel: everything between a face and the detector, drawn once and applied to both of a pair.

Ranges are the digest's for live streams (section 3.4); what is drawn never knows the class.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from training.channel.camera import Defocus, Light, MotionBlur, Noise, Sharpen
from training.channel.rate import drawn_video
from training.channel.scale import ENLARGE, SHRINK, Scale
from training.channel.stage import Pixels, Stage
from training.channel.still import CHROMA, Jpeg

Strength = Literal["none", "mild", "live"]
STRENGTHS: Final[tuple[Strength, ...]] = ("none", "mild", "live")
UNTOUCHED: Final = {"none": 1.0, "mild": 0.5, "live": 0.18}
"""Shares of channels that change nothing: the network is to know clean pictures too."""


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel; `stages` work at the size that `scale` gives, in order.

    `seed` is its noise and its motion: what is given in twice comes out twice the same, and two
    pictures of one size meet the same.
    """

    scale: Scale | None
    stages: tuple[Stage, ...]
    seed: int

    def apply(self, pixels: Pixels) -> Pixels:
        """Give uint8 RGB (S, S, 3) after the channel; a new array unless nothing was done."""
        rng = np.random.default_rng(self.seed)
        seen = pixels if self.scale is None else self.scale.captured(pixels)
        for stage in self.stages:
            seen = stage(seen, rng)
        return seen if self.scale is None else self.scale.restored(seen, pixels.shape[0])


def sample(rng: np.random.Generator, strength: Strength) -> Channel:
    """Draw a channel.

    ``none`` changes nothing. ``mild`` is a good camera and a photo's JPEG. ``live`` is the camera
    and the codecs of calls, down to those that nobody could judge a face by.
    """
    seed = int(rng.integers(2**63))
    if rng.random() < UNTOUCHED[strength]:
        return Channel(None, (), seed)
    if strength == "mild":
        return Channel(_mild_scale(rng), (*_mild_camera(rng), *_photo(rng)), seed)
    return Channel(_live_scale(rng), (*_live_camera(rng), *_codecs(rng)), seed)


def _mild_scale(rng: np.random.Generator) -> Scale | None:
    if rng.random() >= 0.4:
        return None
    return Scale(rng.uniform(0.55, 1), SHRINK[0], ENLARGE[rng.integers(len(ENLARGE))])


def _live_scale(rng: np.random.Generator) -> Scale | None:
    drawn = rng.random()
    if drawn < 0.35:
        return None
    share = rng.uniform(1, 1.15) if drawn < 0.4 else rng.uniform(0, 1)
    shrink = SHRINK[rng.choice(len(SHRINK), p=(0.55, 0.25, 0.1, 0.1))]
    return Scale(share, shrink, ENLARGE[rng.integers(len(ENLARGE))])


def _mild_camera(rng: np.random.Generator) -> list[Stage]:
    stages: list[Stage] = []
    if rng.random() < 0.15:
        stages.append(Defocus(rng.uniform(0.3, 1.2)))
    if rng.random() < 0.5:
        stages.append(_light(rng, gamma=1.25, warmth=0.06))
    if rng.random() < 0.15:
        stages.append(Noise(rng.uniform(1, 5)))
    return stages


def _live_camera(rng: np.random.Generator) -> list[Stage]:
    stages: list[Stage] = []
    drawn = rng.random()
    if drawn < 0.12:
        stages.append(MotionBlur(rng.uniform(2, 8), rng.uniform(0, np.pi)))
    elif drawn < 0.3:
        stages.append(Defocus(rng.uniform(0.3, 2)))
    if rng.random() < 0.6:
        stages.append(_light(rng, gamma=1.6, warmth=0.12))
    if rng.random() < 0.35:
        stages.append(Noise(rng.uniform(0.5, 4), rng.uniform(0, 8)))
    if rng.random() < 0.2:
        stages.append(Sharpen(rng.uniform(0.3, 1.5), rng.uniform(0.7, 1.6)))
    return stages


def _light(rng: np.random.Generator, gamma: float, warmth: float) -> Light:
    warm = rng.uniform(-warmth, warmth)
    exposure = rng.uniform(0.85, 1.15)
    gain = (exposure * (1 + warm), exposure * (1 + rng.uniform(-0.03, 0.03)), exposure * (1 - warm))
    bent = float(np.exp(rng.uniform(-1, 1) * np.log(gamma)))
    return Light(gain, rng.uniform(-0.06, 0.06), bent)


def _photo(rng: np.random.Generator) -> list[Stage]:
    return [_jpeg(rng, 50, 95)] if rng.random() < 0.7 else []


def _codecs(rng: np.random.Generator) -> list[Stage]:
    """The call's codec, before it at times the one of the camera or of a virtual camera."""
    stages: list[Stage] = []
    if rng.random() < 0.3:
        stages.append(_jpeg(rng, 60, 95) if rng.random() < 0.6 else drawn_video(rng))
    drawn = rng.random()
    if drawn < 0.35:
        stages.append(_jpeg(rng, 30, 95))
    elif drawn < 0.85:
        stages.append(drawn_video(rng))
    return stages


def _jpeg(rng: np.random.Generator, lowest: int, highest: int) -> Jpeg:
    left, top = rng.integers(0, 16, 2)
    chroma = CHROMA[rng.choice(len(CHROMA), p=(0.6, 0.2, 0.2))]
    return Jpeg(int(rng.integers(lowest, highest + 1)), (int(left), int(top)), chroma)
