"""Variants of a recipe's body."""

from __future__ import annotations

import pytest

from training.fitting.variant import folder_name, split_off, varied

BODY = {"steps": 5, "network": {"dropout": 0.1, "trunk": "x"}}


def test_a_path_reaches_into_tables_and_makes_those_that_are_missing() -> None:
    given = varied(BODY, {"steps": 6, "network.dropout": 0.5, "mix.native": 0.2})
    assert given == {
        "steps": 6, "network": {"dropout": 0.5, "trunk": "x"}, "mix": {"native": 0.2},
    }  # fmt: skip
    assert BODY == {"steps": 5, "network": {"dropout": 0.1, "trunk": "x"}}


def test_what_is_put_in_can_be_changed_without_harm() -> None:
    blends = {"self_blend": 1.0}
    given = varied({}, {"mix.blends": blends})
    given["mix"]["blends"]["self_blend"] = 0.0
    assert blends == {"self_blend": 1.0}


def test_a_path_through_a_value_is_refused() -> None:
    with pytest.raises(ValueError, match="steps, which is no table"):
        varied(BODY, {"steps.more": 1})


def test_a_table_is_split_off() -> None:
    rest, table = split_off({"steps": 5, "search": {"trials": 2}}, "search")
    assert (rest, table) == ({"steps": 5}, {"trials": 2})
    with pytest.raises(ValueError, match=r"\[search\]"):
        split_off(BODY, "search")


@pytest.mark.parametrize(
    ("name", "folder"),
    [("RGB + SRM, fixed", "RGB-+-SRM-fixed"), ("rgb", "rgb"), ("../../x", "x"), ("?", "variant")],
)
def test_a_folders_name_stays_in_its_place(name: str, folder: str) -> None:
    assert folder_name(name) == folder
