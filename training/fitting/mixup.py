"""Mixing an aligned pair's fake with its real: the same swap, blended in less strongly.

A pair is aligned pixel by pixel, so a mixture shows one face, not two; NTech's entry to the DFDC
challenge (third place) trained so. Zhang et al., "mixup" (ICLR 2018), mix any two examples.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from training.examples import Batch


def mix_pairs(batch: Batch, share: float, rng: np.random.Generator) -> Batch:
    """Mix a random `share` of the aligned pairs' fakes; label and mask are scaled alike.

    A fake's new pixels are ``real + ratio * (fake - real)`` with a uniform ratio, which is its
    label from then on. The reals stay, and the batch that is given is left alone.
    """
    half = len(batch.fake) // 2
    chosen = np.flatnonzero(batch.paired & (rng.random(half) < share))
    ratios = rng.random(half).astype(np.float32)
    if not len(chosen):
        return batch
    pixels, fake, masks = batch.pixels.copy(), batch.fake.copy(), batch.masks.copy()
    for slot in chosen:
        row, ratio = half + slot, ratios[slot]
        real = pixels[slot].astype(np.float32)
        mixed = real + ratio * (pixels[row] - real)
        pixels[row] = np.clip(mixed + 0.5, 0, 255).astype(np.uint8)
        fake[row] *= ratio
        masks[row] *= ratio
    return replace(batch, pixels=pixels, fake=fake, masks=masks)
