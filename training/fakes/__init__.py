"""Fakes made on the fly from real faces: blends, simulated swap networks, warps, partial edits.

Every method takes a target and a donor, and gives a `Forgery` whose pixels differ from those of
its base only where its mask says so. `self_blend` may give that base another look as a whole, as
its paper does; its base, not the target, is then the real picture beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from training.fakes.cross_identity import cross_identity
from training.fakes.forgery import Forgery, blend
from training.fakes.landmark_warp import landmark_warp
from training.fakes.partial import partial
from training.fakes.self_blend import self_blend
from training.fakes.swap_network import swap_network
from training.portrait import Portrait

__all__ = ["METHODS", "Forgery", "Method", "blend", "forge"]


@dataclass(frozen=True, slots=True)
class Method:
    """How a fake is made; `needs_donor` where another person's face goes in."""

    make: Callable[[Portrait, Portrait | None, np.random.Generator], Forgery]
    needs_donor: bool


METHODS: Final[Mapping[str, Method]] = {
    "self_blend": Method(self_blend, needs_donor=False),
    "cross_identity": Method(cross_identity, needs_donor=True),
    "swap_network": Method(swap_network, needs_donor=True),
    "landmark_warp": Method(landmark_warp, needs_donor=True),
    "partial": Method(partial, needs_donor=True),
}


def forge(
    method: str, target: Portrait, donor: Portrait | None, rng: np.random.Generator
) -> Forgery:
    """Make a fake of the target's face by `method`, a key of `METHODS`.

    Raises: KeyError for a method that there is not; ValueError without the donor that it needs.
    """
    chosen = METHODS[method]
    if chosen.needs_donor and donor is None:
        raise ValueError(f"{method} needs a donor's face")
    return chosen.make(target, donor, rng)
