"""Which crops are dropped because another shows nearly the same picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from training.prepare.item import Crop
from training.prepare.phash import neighbours

NEAR: Final = 2
"""Bits. Among the data folder's crops, pairs of different groups show one person in one place up
to here, by eye (of 24); at 4 bits a third of the pairs show two people."""


def duplicates(crops: Sequence[Crop], splits: Sequence[str], near: int = NEAR) -> dict[int, int]:
    """Give ``{place of a dropped crop: place of the kept one that it repeats}``.

    Validation goes first and then the order given, so what repeats across the splits is dropped
    from train. A fake beside its real is no repetition: within a split only crops of one label are
    compared.
    """
    hashes = sorted({int(crop.phash, 16) for crop in crops})
    places = {value: place for place, value in enumerate(hashes)}
    close = neighbours(hashes, near)
    kept: list[dict[tuple[bool, str], int]] = [{} for _ in hashes]
    dropped: dict[int, int] = {}
    for index in sorted(range(len(crops)), key=lambda index: splits[index] != "val"):
        own = (crops[index].fake, splits[index])
        place = places[int(crops[index].phash, 16)]
        repeated = [
            first
            for other in (place, *close[place])
            for (fake, split), first in kept[other].items()
            if fake == own[0] or split != own[1]
        ]
        if repeated:
            dropped[index] = repeated[0]
        else:
            kept[place].setdefault(own, index)
    return dropped
