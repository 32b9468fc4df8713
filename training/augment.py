"""The channel that every crop passes, real and fake alike: geometry, scale, light, codec.

One recipe for both classes, so that neither codec nor sharpness tells them apart; parameters
follow the digest's list for live streams, in the mild half of its ranges.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Mask = NDArray[np.float32]

STEADY: Final = 0.4
"""Share of crops that are only mirrored and resized: resampling blurs, and so would all of them."""
CLEAN: Final = 0.5
"""Share of crops that pass unchanged; more loss than this kept a short run from learning."""
_ENLARGE: Final = (cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_LANCZOS4)


def jitter(
    crop: Pixels, mask: Mask | None, size: int, rng: np.random.Generator
) -> tuple[Pixels, Mask | None]:
    """Mirror, shift, scale and turn a crop slightly, and resample it to `size`.

    `crop` is uint8 RGB (S, S, 3); `mask`, float32 (S, S), takes the same way. A detector's boxes
    tremble: up to 8 % in place and 12 % in size, 8 degrees in roll.
    """
    side = crop.shape[0]
    mirrored = -1.0 if rng.random() < 0.5 else 1.0
    if rng.random() < STEADY:
        return _resized(crop, mask, size, mirrored < 0)
    zoom = side / size * rng.uniform(0.88, 1.08)
    angle = np.deg2rad(rng.uniform(-8, 8))
    cos, sin = zoom * np.cos(angle), zoom * np.sin(angle)
    linear = np.array([[cos * mirrored, -sin], [sin * mirrored, cos]])
    centre = side * (0.5 + rng.uniform(-0.08, 0.08, 2)) - 0.5
    matrix = np.column_stack([linear, centre - linear @ np.full(2, size / 2 - 0.5)])
    if zoom > 1.25:  # shrinking: blur first, so that nothing aliases
        crop = np.asarray(cv2.GaussianBlur(crop, (0, 0), 0.3 * zoom), np.uint8)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    border = cv2.BORDER_REFLECT_101
    moved = cv2.warpAffine(crop, matrix, (size, size), flags=flags, borderMode=border)
    if mask is not None:
        mask = np.asarray(
            cv2.warpAffine(mask, matrix, (size, size), flags=flags, borderMode=border), np.float32
        )
    return np.asarray(moved, np.uint8), mask


def _resized(
    crop: Pixels, mask: Mask | None, size: int, mirror: bool
) -> tuple[Pixels, Mask | None]:
    step = -1 if mirror else 1
    picture = np.ascontiguousarray(crop[:, ::step])
    resized = np.asarray(cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA), np.uint8)
    return resized, None if mask is None else np.asarray(
        cv2.resize(np.ascontiguousarray(mask[:, ::step]), (size, size)), np.float32
    )


def channel(crop: Pixels, rng: np.random.Generator) -> Pixels:
    """Give the crop (S, S, 3) after a random capture: scale, blur, light, noise, JPEG."""
    size = crop.shape[0]
    if rng.random() < CLEAN:
        return crop
    if rng.random() < 0.4:
        small = max(16, int(size * rng.uniform(0.5, 1.0)))
        crop = np.asarray(cv2.resize(crop, (small, small), interpolation=cv2.INTER_AREA), np.uint8)
        enlarge = _ENLARGE[rng.integers(len(_ENLARGE))]
        crop = np.asarray(cv2.resize(crop, (size, size), interpolation=enlarge), np.uint8)
    if rng.random() < 0.15:
        blurred = cv2.GaussianBlur(crop, (0, 0), rng.uniform(0.3, 1.2) * size / 224)
        crop = np.asarray(blurred, np.uint8)
    if rng.random() < 0.5:
        crop = _light(crop, rng)
    if rng.random() < 0.15:
        noise = rng.normal(0, rng.uniform(1, 5), crop.shape).astype(np.float32)
        crop = np.clip(crop + noise, 0, 255).astype(np.uint8)
    if rng.random() < 0.7:
        crop = encode(crop, int(rng.integers(50, 96)))
    return crop


def encode(crop: Pixels, quality: int) -> Pixels:
    """Give the crop after JPEG at `quality`; the colour order does not matter to the pixels."""
    bgr = np.ascontiguousarray(crop[..., ::-1])
    done, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert done
    decoded = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert decoded is not None
    return np.ascontiguousarray(decoded[..., ::-1], np.uint8)


def _light(crop: Pixels, rng: np.random.Generator) -> Pixels:
    """Gain per channel, offset and gamma, through one table of 256 entries per channel."""
    steps = np.arange(256, dtype=np.float64)[:, None] / 255
    gain = rng.uniform(0.85, 1.15) * rng.uniform(0.94, 1.06, 3)
    table = np.clip(steps ** rng.uniform(0.8, 1.25) * gain + rng.uniform(-0.08, 0.08), 0, 1)
    return np.asarray(cv2.LUT(crop, (table * 255 + 0.5).astype(np.uint8)[None]), np.uint8)
