"""Variants of a recipe: the same TOML body with some of its values replaced."""

from __future__ import annotations

import re
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

Body = Mapping[str, Any]


def varied(body: Body, changes: Body) -> dict[str, Any]:
    """Give a recipe's body with values replaced; a key such as ``network.front`` reaches a table.

    Raises: ValueError for a path through something that is no table.
    """
    result = deepcopy(dict(body))
    for path, value in changes.items():
        table, keys = result, path.split(".")
        for key in keys[:-1]:
            table = table.setdefault(key, {})
            if not isinstance(table, dict):
                raise ValueError(f"{path} leads through {key}, which is no table")
        table[keys[-1]] = deepcopy(value)
    return result


def split_off(body: Body, name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Take one table out of a file's body; give the rest, which is a recipe, and the table.

    Raises: ValueError when there is no such table.
    """
    rest = dict(body)
    table = rest.pop(name, None)
    if not isinstance(table, dict):
        raise ValueError(f"the file has no table [{name}]")
    return rest, table


def folder_name(name: str) -> str:
    """Give a variant's name as a folder's: letters, digits, dots and dashes."""
    return re.sub(r"[^\w.+-]+", "-", name).strip("-.") or "variant"
