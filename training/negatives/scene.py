"""What call programs put round and over a face: backgrounds, captions, bars."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from training.fakes.masks import bent, hull_mask, with_forehead
from training.fakes.shape import fit_shape
from training.portrait import Pixels, Portrait

FONTS = (cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_COMPLEX)
LETTERS = "abcdefghijklmnopqrstuvwxyz   ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:"


def virtual_background(portrait: Portrait, rng: np.random.Generator) -> Pixels:
    """Replace what is outside the head by a blur, a colour or a pattern: a seam that is no swap."""
    pixels = portrait.pixels
    size = pixels.shape[:2]
    shape = fit_shape(portrait.landmarks)
    points = with_forehead(shape)
    middle = points.mean(axis=0)
    grow = rng.uniform(1.1, 1.35)
    mask = hull_mask(np.asarray(middle + grow * (points - middle), np.float32), size)
    mask[int(max(0, shape.points[8, 1])) :, :] = 1.0  # neck and shoulders stay
    soft = cv2.GaussianBlur(
        bent(mask, shape.unit, rng), (0, 0), shape.unit * rng.uniform(0.01, 0.1) + 0.3
    )[..., None]
    background = _background(pixels, rng)
    mixed = background + soft * (pixels - background)
    return np.asarray(np.clip(mixed + 0.5, 0, 255), np.uint8)


def captioned(portrait: Portrait, rng: np.random.Generator) -> Pixels:
    """Write over the picture, with or without a bar behind the words, or stick a badge on it."""
    picture = portrait.pixels.copy()
    height, width = picture.shape[:2]
    y = int(height * (rng.uniform(0.8, 0.98) if rng.random() < 0.7 else rng.uniform(0.08, 0.95)))
    colour = tuple(float(v) for v in rng.integers(0, 256, 3))
    if rng.random() < 0.5:
        top = max(0, y - height // 9)
        share = rng.uniform(0.4, 1.0)
        bar = picture[top : y + height // 40]
        bar[:] = (bar * (1 - share) + share * rng.integers(0, 256, 3)).astype(np.uint8)
    if rng.random() < 0.3:
        centre = tuple(int(v) for v in rng.uniform(0, (width, height)))
        cv2.circle(picture, centre, int(width * rng.uniform(0.04, 0.12)), colour, -1, cv2.LINE_AA)
    words = "".join(LETTERS[i] for i in rng.integers(len(LETTERS), size=rng.integers(4, 24)))
    scale = float(rng.uniform(0.3, 1.0) * width / 224)
    thick = int(rng.integers(1, 3))
    font = FONTS[rng.integers(len(FONTS))]
    cv2.putText(picture, words, (int(width * rng.uniform(0, 0.4)), y), font, scale, colour, thick,
                cv2.LINE_AA)  # fmt: skip
    return picture


def letterboxed(portrait: Portrait, rng: np.random.Generator) -> Pixels:
    """Cut a side off and fill it: black bars, or the mirrored picture at a frame's edge."""
    picture = portrait.pixels.copy()
    height, width = picture.shape[:2]
    turned = int(rng.integers(4))
    rotated = np.rot90(picture, turned)
    cut = int(min(height, width) * rng.uniform(0.04, 0.22))
    rotated[:cut] = rotated[cut : 2 * cut][::-1] if rng.random() < 0.5 else rng.integers(0, 40)
    return picture


def _background(pixels: Pixels, rng: np.random.Generator) -> NDArray[np.float32]:
    height, width = pixels.shape[:2]
    kind = rng.integers(3)
    if kind == 0:
        small = cv2.resize(pixels, (width // 8, height // 8), interpolation=cv2.INTER_AREA)
        blurred = cv2.GaussianBlur(small, (0, 0), rng.uniform(0.5, 3))
        return np.asarray(cv2.resize(blurred, (width, height)), np.float32)
    if kind == 1:
        return np.full(pixels.shape, rng.integers(0, 256, 3), np.float32)
    coarse = rng.uniform(0, 255, (rng.integers(2, 24), rng.integers(2, 24), 3))
    way = cv2.INTER_CUBIC if rng.random() < 0.6 else cv2.INTER_NEAREST
    grown = cv2.resize(coarse.astype(np.float32), (width, height), interpolation=way)
    return np.asarray(np.clip(grown, 0, 255), np.float32)
