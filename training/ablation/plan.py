"""Plan: which variants of a recipe are trained, and on which sets they are judged."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.fitting.recipe import Recipe
from training.fitting.variant import folder_name, split_off, varied


@dataclass(frozen=True, slots=True)
class Variant:
    """One row of the table: what it changes in the base recipe's body."""

    name: str
    changes: Mapping[str, Any]

    @property
    def folder(self) -> str:
        """Where its run lies."""
        return folder_name(self.name)


@dataclass(frozen=True, slots=True)
class Plan:
    """The base recipe's body, the rows, and the columns."""

    body: Mapping[str, Any]
    variants: tuple[Variant, ...]
    sets: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.variants or not self.sets:
            raise ValueError("an ablation needs [ablation] sets and at least one variant")
        folders = [variant.folder for variant in self.variants]
        if len(set(folders)) < len(folders):
            raise ValueError("two variants would share a folder: name them apart")

    @classmethod
    def load(cls, path: Path) -> Plan:
        """Read a plan from TOML.

        The file is a recipe with a table ``[ablation]``: `sets`, and ``[ablation.variants.NAME]``
        with what each changes, as ``"network.front" = "rgb"``; an empty one is the recipe itself.
        `base` names another recipe's file, relative to this one, that the file's keys go over.

        Raises: OSError, tomllib.TOMLDecodeError; TypeError or ValueError for a variant that is no
        recipe.
        """
        body, table = split_off(tomllib.loads(path.read_text(encoding="utf-8")), "ablation")
        base = table.pop("base", None)
        if base is not None:
            below = tomllib.loads((path.parent / base).read_text(encoding="utf-8"))
            body = varied(below, body)
        variants = table.pop("variants", {})
        sets = tuple(table.pop("sets", ()))
        if table:
            raise TypeError(f"[ablation] has no {', '.join(table)}")
        plan = cls(body, tuple(Variant(name, variants[name]) for name in variants), sets)
        for variant in plan.variants:
            plan.recipe(variant)
        return plan

    def recipe(self, variant: Variant) -> Recipe:
        """Give a variant's recipe.

        Raises: TypeError or ValueError, naming the variant, for one that is none.
        """
        try:
            return Recipe.parse(varied(self.body, variant.changes))
        except (TypeError, ValueError) as exc:
            raise type(exc)(f"variant {variant.name}: {exc}") from exc
