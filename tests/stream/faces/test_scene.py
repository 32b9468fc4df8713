"""Scene: what is a cut, and what is only motion."""

from __future__ import annotations

import numpy as np
import pytest

from stream.faces.scene import Scene
from stream.types import Pixels

ROOM: Pixels = np.random.default_rng(1).integers(0, 256, (45, 80), dtype=np.uint8)
ELSEWHERE: Pixels = np.random.default_rng(2).integers(0, 256, (45, 80), dtype=np.uint8)


def with_a_door_open() -> Pixels:
    """A tenth of the picture is another."""
    changed = ROOM.copy()
    changed[:, :8] = ELSEWHERE[:, :8]
    return changed


@pytest.mark.parametrize(
    ("then", "cut"),
    [
        (ROOM, False),
        (with_a_door_open(), False),
        (np.clip(ROOM.astype(int) + 10, 0, 255).astype(np.uint8), False),
        (ELSEWHERE, True),
        (ROOM[:30], True),
        (None, False),
    ],
    ids=["same", "motion", "a lamp", "cut", "another size", "unknown"],
)
def test_a_cut_is_a_change_of_the_whole_picture(then: Pixels | None, cut: bool) -> None:
    scene = Scene()
    assert not scene.cut(ROOM), "nothing to compare with"
    assert scene.cut(then) is cut


def test_after_a_picture_without_a_thumbnail_or_a_reset_there_is_nothing_to_compare_with() -> None:
    scene = Scene()
    scene.cut(ROOM)
    scene.cut(None)
    assert not scene.cut(ELSEWHERE)
    scene.reset()
    assert not scene.cut(ROOM)
