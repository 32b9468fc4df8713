"""Fakes made by pasting through a bottleneck."""

from __future__ import annotations

import numpy as np

from training.synthesis import paste_through_bottleneck, soft_oval


def test_the_paste_changes_the_inner_face_and_nothing_outside_its_mask() -> None:
    rng = np.random.default_rng(0)
    crop = rng.integers(0, 256, (224, 224, 3), np.uint8)
    fake, mask = paste_through_bottleneck(crop, rng)
    changed = np.abs(fake.astype(int) - crop).mean(2)
    assert fake.dtype == np.uint8
    assert changed[mask == 0].max() == 0
    assert changed[mask > 0.9].mean() > 10


def test_the_bottleneck_takes_the_detail() -> None:
    rng = np.random.default_rng(1)
    crop = rng.integers(0, 256, (224, 224, 3), np.uint8)
    fake, mask = paste_through_bottleneck(crop, rng)
    inside = mask > 0.99
    detail = [np.abs(np.diff(picture.astype(int), axis=1))[inside[:, 1:]].mean()
              for picture in (crop, fake)]  # fmt: skip
    assert detail[1] < 0.7 * detail[0]


def test_the_oval_is_soft_and_lies_inside() -> None:
    for seed in range(20):
        mask = soft_oval(112, np.random.default_rng(seed))
        assert mask.shape == (112, 112)
        assert 0 <= mask.min() < mask.max() <= 1.0001
        assert mask[:, [0, -1]].max() < 0.5
        assert 0.2 < (mask > 0.5).mean() < 0.7
        assert ((mask > 0.05) & (mask < 0.95)).any()
