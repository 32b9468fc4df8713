"""Examples, and the re-encoding that both classes share."""

from __future__ import annotations

import numpy as np

from tests.training.evaluate.small import pairs_of, textured
from training.crops import read_picture
from training.evaluate.examples import recode


def test_recoding_changes_pixels_but_not_the_picture() -> None:
    crop = textured(0, 120, spread=6)
    after, data = recode(crop, "g")
    assert after.shape == crop.shape
    assert 0 < np.abs(after.astype(int) - crop).mean() < 10
    np.testing.assert_array_equal(read_picture(data), after)


def test_one_group_loses_the_same_and_another_something_else() -> None:
    crop = textured(0, 120)
    np.testing.assert_array_equal(recode(crop, "g")[0], recode(crop, "g")[0])
    assert (recode(crop, "g")[0] != recode(crop, "h")[0]).any()


def test_reencoding_leaves_everything_but_pictures_and_files() -> None:
    listed = pairs_of(3)
    after = listed.reencoded()
    assert after.shared
    assert (after.crops != listed.crops).any()
    assert after.files != listed.files
    assert (after.groups, after.sources, after.half) == (listed.groups, listed.sources, "calib")
    assert after.reencoded() is after


def test_some_examples_keep_what_belongs_to_them() -> None:
    listed = pairs_of(3)
    some = listed.taken(np.array([4, 0]))
    np.testing.assert_array_equal(some.crops, listed.crops[[4, 0]])
    assert some.groups == ("g1", "g0")
    assert some.fake.tolist() == [True, False]
    assert some.files == (listed.files[4], listed.files[0])
    assert len(some.looks.landmarks) == 2
