"""Groups and splits: nothing that belongs together lies on both sides."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.training.prepare.samples import crop
from training.prepare.groups import divide

IDENTITIES = st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=2, unique=True)
ROWS = st.lists(st.tuples(IDENTITIES, st.sampled_from([None, "train", "val"])), max_size=20)


@given(ROWS, st.floats(0, 1))
def test_no_identity_and_no_group_lies_in_both_splits(
    rows: list[tuple[list[str], str | None]], share: float
) -> None:
    crops = [crop(identities=tuple(people), split=split) for people, split in rows]
    division = divide(crops, share)
    for names in (
        [list(people) for people, _ in rows],
        [[group] for group in division.groups],
    ):
        sides: dict[str, set[str]] = {}
        for own, split in zip(names, division.splits, strict=True):
            for name in own:
                sides.setdefault(name, set()).add(split)
        assert all(len(found) == 1 for found in sides.values())


@given(ROWS)
def test_a_given_split_is_kept_unless_its_group_was_given_both(
    rows: list[tuple[list[str], str | None]],
) -> None:
    crops = [crop(identities=tuple(people), split=split) for people, split in rows]
    division = divide(crops, 0.5)
    for (_, split), group, found in zip(rows, division.groups, division.splits, strict=True):
        assert split in {None, found} or (found == "val" and group in division.mixed)


def test_files_that_share_somebody_are_one_group_however_long_the_chain() -> None:
    chain = [crop(identities=(f"s/{i}", f"s/{i + 1}")) for i in range(3)]
    alone = crop(identities=("s/9",))
    groups = divide([*chain, alone], 0.5).groups
    assert groups == ["s/0+1+2+3"] * 3 + ["s/9"]


def test_a_large_group_is_named_for_its_first_and_their_number() -> None:
    crops = [crop(identities=("s/a", f"s/b{i}")) for i in range(6)]
    assert set(divide(crops, 0.5).groups) == {"s/a+6"}


def test_a_crop_from_a_manifest_keeps_its_groups_name() -> None:
    assert divide([crop(identities=("x/g",), group="g")], 0.5).groups == ["g"]


def test_the_share_is_that_of_the_groups() -> None:
    crops = [crop(identities=(f"s/{i}",)) for i in range(2000)]
    splits = divide(crops, 0.2).splits
    assert 0.17 < splits.count("val") / 2000 < 0.23
    assert set(divide(crops, 0).splits) == {"train"}
    assert set(divide(crops, 1).splits) == {"val"}


def test_the_split_does_not_follow_the_order() -> None:
    crops = [crop(identities=(f"s/{i}",)) for i in range(50)]
    forth, back = divide(crops, 0.5), divide(crops[::-1], 0.5)
    assert forth.splits == back.splits[::-1]


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_share_that_is_none_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="share"):
        divide([], share)
