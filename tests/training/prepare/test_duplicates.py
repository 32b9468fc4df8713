"""Which of two nearly equal crops is dropped."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.training.prepare.samples import crop
from training.prepare.duplicates import duplicates

A, NEAR_A, NEARER_A, FAR = (f"{value:016x}" for value in (0, 0b11, 0b1, 0xFFFF))


def test_the_first_of_a_label_is_kept_within_a_split() -> None:
    crops = [crop(phash=A), crop(phash=FAR), crop(phash=NEAR_A), crop(phash=A)]
    assert duplicates(crops, ["train"] * 4) == {2: 0, 3: 0}


def test_a_fake_beside_its_real_is_no_repetition() -> None:
    assert duplicates([crop(phash=A), crop(phash=A, fake=True)], ["train"] * 2) == {}


def test_across_the_splits_the_train_crop_goes_whatever_its_label_and_place() -> None:
    crops = [crop(phash=A), crop(phash=NEARER_A, fake=True), crop(phash=A)]
    assert duplicates(crops, ["train", "train", "val"]) == {0: 2, 1: 2}


def test_more_than_the_distance_apart_both_stay() -> None:
    crops = [crop(phash=A), crop(phash=NEAR_A)]
    assert duplicates(crops, ["train"] * 2, near=1) == {}
    assert duplicates(crops, ["train"] * 2, near=2) == {1: 0}
    assert duplicates([crop(phash=A), crop(phash=A)], ["train"] * 2, near=0) == {1: 0}


HASHES = st.lists(
    st.tuples(st.integers(0, 63), st.booleans(), st.sampled_from(["train", "val"])), max_size=25
)


@given(HASHES)
def test_what_is_kept_has_no_repetition_and_what_is_dropped_has_one(
    rows: list[tuple[int, bool, str]],
) -> None:
    crops = [crop(phash=f"{value:016x}", fake=fake) for value, fake, _ in rows]
    dropped = duplicates(crops, [split for _, _, split in rows])

    def repeats(i: int, j: int) -> bool:
        one, other = rows[i], rows[j]
        compared = one[1] == other[1] or one[2] != other[2]
        return compared and (one[0] ^ other[0]).bit_count() <= 2

    kept = [index for index in range(len(rows)) if index not in dropped]
    assert not any(repeats(i, j) for i in kept for j in kept if i != j)
    for index, first in dropped.items():
        assert first in kept
        assert repeats(index, first)
        assert rows[index][2] == "train" or rows[first][2] == "val"
