"""How many bits a call spends on a face, and the encoders that spend as many on a short clip.

A call of W × H px, at f frames and B bits a second, spends B / (f W H) bits a pixel. The
digest's calls (50 to 1500 kbit/s, 180p to 720p, 15 to 30 fps) reach from 0.002 (50 kbit/s
at 720p, which no call keeps up: it falls back to a smaller picture) to 1.7 (1500 kbit/s at
180p). A face moves and is sharp while the wall behind it rests, so it gets more than its share
of the area: 1.5 to 3 times. 500 kbit/s at 360p and 25 fps are 0.087 bits a pixel, on the face
0.13 to 0.26.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from training.channel.codec import Encoder, h264_at_quality, h264_at_rate, vp8_at_rate
from training.channel.video import Lost, Video
from training.channel.walk import Walk

HEIGHTS: Final = (180, 270, 360, 480, 720)
LEAST_BITS_PER_PX: Final = 0.012
"""Below this (70 kbit/s at 360p and 25 fps) WebRTC's scaler has gone to a smaller picture."""
MOST_BITS_PER_PX: Final = 0.5
"""Above this both codecs are near lossless."""
VP8_HEAD_START: Final = 4
"""A call's picture has been refined for seconds, and libvpx starts far below its rate. At 4 times
the rate, 3 to 6 frames come within 1 dB of a `call` of 150 or 80 kbit/s (37.7 and 35.3 dB)."""
H264_HEAD_START: Final = 10
"""The same for x264, whose first frame may take the bits of so many (37.9 and 36.7 dB)."""
HEADER_BITS: Final = 160
"""A frame's and its first blocks' own cost, which a call shares out over the whole picture."""
PRESETS: Final = ("ultrafast", "superfast", "veryfast")


@dataclass(frozen=True, slots=True)
class H264AtRate:
    """x264 that spends `bits_per_px`."""

    bits_per_px: float
    fps: int
    preset: str

    def __call__(self, pixels: int) -> Encoder:
        """Give the encoder for a picture of so many px."""
        rate = _rate(self.bits_per_px, pixels, self.fps)
        return h264_at_rate(rate, self.preset, self.fps, H264_HEAD_START / self.fps)


@dataclass(frozen=True, slots=True)
class H264AtQuality:
    """x264 at a constant rate factor."""

    crf: int
    fps: int
    preset: str

    def __call__(self, pixels: int) -> Encoder:
        """Give the encoder; the picture's size does not matter."""
        return h264_at_quality(self.crf, self.preset, self.fps)


@dataclass(frozen=True, slots=True)
class Vp8AtRate:
    """libvpx that spends `bits_per_px`."""

    bits_per_px: float
    fps: int
    speed: int
    resilient: bool

    def __call__(self, pixels: int) -> Encoder:
        """Give the encoder for a picture of so many px."""
        rate = VP8_HEAD_START * _rate(self.bits_per_px, pixels, self.fps)
        return vp8_at_rate(rate, self.speed, self.fps, self.resilient)


def drawn_video(rng: np.random.Generator) -> Video:
    """Draw a clip of 3 to 6 frames and the codec that it passes: H.264 or VP8, half each."""
    fps = int(rng.integers(15, 31))
    walk = Walk(int(rng.integers(3, 7)), float(np.exp(rng.uniform(np.log(0.2), np.log(2)))))
    left, top = rng.integers(0, 16, 2)
    lost = Lost(rng.random(), rng.uniform(0.05, 0.3)) if rng.random() < 0.07 else None
    return Video(_drawn_encoder(rng, fps), walk, (int(left), int(top)), lost)


def drawn_bits_per_px(rng: np.random.Generator, fps: int) -> float:
    """Draw what a call of 50 to 1500 kbit/s spends on each pixel of the face."""
    height = HEIGHTS[rng.integers(len(HEIGHTS))]
    bits_per_s = np.exp(rng.uniform(np.log(50e3), np.log(1500e3)))
    spent = bits_per_s / (fps * height * height * 16 / 9)
    return float(rng.uniform(1.5, 3) * np.clip(spent, LEAST_BITS_PER_PX, MOST_BITS_PER_PX))


def _drawn_encoder(rng: np.random.Generator, fps: int) -> H264AtRate | H264AtQuality | Vp8AtRate:
    drawn = rng.random()
    if drawn < 0.5:
        speed = int(rng.integers(4, 9))
        return Vp8AtRate(drawn_bits_per_px(rng, fps), fps, speed, bool(rng.random() < 0.5))
    preset = PRESETS[rng.integers(len(PRESETS))]
    if drawn < 0.75:
        return H264AtRate(drawn_bits_per_px(rng, fps), fps, preset)
    return H264AtQuality(int(rng.integers(17, 46)), fps, preset)


def _rate(bits_per_px: float, pixels: int, fps: int) -> int:
    return round((bits_per_px * pixels + HEADER_BITS) * fps)
