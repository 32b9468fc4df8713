"""Forged faces whose mask is known: one for each real, the methods taking turns."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engines.spec import CropGeometry
from training.crops import portrait
from training.fakes import METHODS, Forgery, forge
from training.fakes.donors import Donors
from training.manifest import Face


@dataclass(frozen=True, slots=True)
class Forged:
    """What `method` made of the crop of a real face.

    The real beside it is `forgery.base`, which may show the face in another look than the list
    does. `index` is the face's place among those given, `name` its name.
    """

    index: int
    name: str
    method: str
    forgery: Forgery


def forge_each(faces: Sequence[Face], geometry: CropGeometry) -> list[Forged]:
    """Forge one fake from every real that has landmarks.

    The random numbers come from each face's name. A donor is another group's face of the same
    list, so that a list of one group gives nothing.
    """
    places, portraits = [], []
    for index, face in enumerate(faces):
        seen = None if face.fake else portrait(face, geometry)
        if seen is not None:
            places.append(index)
            portraits.append(seen)
    groups = [faces[index].group for index in places]
    if len(set(groups)) < 2:
        return []
    donors = Donors.of(portraits, groups)
    methods = sorted(METHODS)
    made = []
    for place, (index, target) in enumerate(zip(places, portraits, strict=True)):
        name = faces[index].name or groups[place]
        rng = np.random.default_rng(zlib.crc32(name.encode()))
        method = methods[place % len(methods)]
        donor = portraits[donors.choose(place, rng)] if METHODS[method].needs_donor else None
        made.append(Forged(index, name, method, forge(method, target, donor, rng)))
    return made
