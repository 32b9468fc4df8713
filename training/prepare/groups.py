"""Groups and splits: what belongs together never lies on both sides."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from training.prepare.item import Crop

NAMED: Final = 4
"""A joined group is named for its identities up to so many, then for the first and their number."""


@dataclass(frozen=True, slots=True)
class Division:
    """Group and split of each crop; `mixed` are the groups that the input had in both splits."""

    groups: list[str]
    splits: list[str]
    mixed: tuple[str, ...]


def divide(crops: Sequence[Crop], val_share: float) -> Division:
    """Join what shares an identity, and give each group one split.

    A split that the input gave is kept, val winning where it gave both; the others fall by a hash
    of the group's name, `val_share` of them into val.

    Raises: ValueError for a share outside 0 to 1.
    """
    if not 0 <= val_share <= 1:
        raise ValueError(f"val's share lies between 0 and 1, not {val_share}")
    groups = _named(crops)
    given: dict[str, set[str]] = {}
    for crop, group in zip(crops, groups, strict=True):
        given.setdefault(group, set()).update([crop.split] if crop.split else [])
    splits = {group: _split(group, names, val_share) for group, names in given.items()}
    mixed = tuple(sorted(group for group, names in given.items() if len(names) > 1))
    return Division(groups, [splits[group] for group in groups], mixed)


def _split(group: str, given: set[str], val_share: float) -> str:
    if given:
        return "val" if "val" in given else min(given)
    digest = hashlib.sha256(f"split of: {group}".encode()).digest()
    return "val" if int.from_bytes(digest[:4], "big") < val_share * 2**32 else "train"


def _named(crops: Sequence[Crop]) -> list[str]:
    roots = _joined(crop.identities for crop in crops)
    members: dict[str, set[str]] = {}
    for identity, root in roots.items():
        members.setdefault(root, set()).add(identity)
    names = {root: _name(sorted(identities)) for root, identities in members.items()}
    own = [roots[crop.identities[0]] for crop in crops]
    return [
        crop.group if crop.group and len(members[root]) == 1 else names[root]
        for crop, root in zip(crops, own, strict=True)
    ]


def _name(identities: list[str]) -> str:
    first, *others = identities
    if len(identities) > NAMED:
        return f"{first}+{len(others)}"
    return "+".join([first, *(identity.rsplit("/", 1)[-1] for identity in others)])


def _joined(sets: Iterable[tuple[str, ...]]) -> dict[str, str]:
    """Union-find with path halving: the root of each identity."""
    parents: dict[str, str] = {}

    def root(identity: str) -> str:
        parents.setdefault(identity, identity)
        while parents[identity] != identity:
            parents[identity] = parents[parents[identity]]
            identity = parents[identity]
        return identity

    for identities in sets:
        first = root(identities[0])
        for other in identities[1:]:
            parents[root(other)] = first
    return {identity: root(identity) for identity in list(parents)}
