"""A fake beside the frame that it was made from."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from training.twins import changed_mask, difference, untouched

Pixels = NDArray[np.uint8]
SIDE = 128


def textured(seed: int) -> Pixels:
    rng = np.random.default_rng(seed)
    coarse = rng.integers(40, 200, (8, 8, 3), np.uint8)
    return np.asarray(cv2.resize(coarse, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC), np.uint8)


def jpeg(picture: Pixels, quality: int) -> Pixels:
    _, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def changed(real: Pixels) -> Pixels:
    fake = real.copy()
    fake[40:88, 40:88] = 255 - fake[40:88, 40:88]
    return fake


def test_a_changed_inner_face_is_where_the_mask_is() -> None:
    real = textured(0)
    apart = difference(jpeg(real, 75), jpeg(changed(real), 75))
    assert apart is not None
    assert not untouched(apart, real)
    mask = changed_mask(apart)
    assert mask.shape == (SIDE, SIDE)
    assert mask[48:80, 48:80].mean() > 0.8
    assert mask[:24].max() < 0.1


def test_two_encodings_of_one_frame_are_untouched_twins() -> None:
    real = textured(1)
    apart = difference(jpeg(real, 75), jpeg(real, 60))
    assert apart is not None
    assert untouched(apart, real)


def test_other_frames_and_other_sizes_are_no_twins() -> None:
    assert difference(textured(2), textured(3)) is None
    assert difference(textured(2), textured(2)[:64, :64]) is None
