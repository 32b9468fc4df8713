"""Scene: what is a cut, and what is only motion."""

from __future__ import annotations

import numpy as np
import pytest

from stream.faces.scene import Scene
from stream.types import Floats, Pixels

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
        (ROOM // 3, False),
        (ELSEWHERE, True),
        (np.zeros_like(ROOM), True),
        (ROOM[:30], True),
        (None, False),
    ],
    ids=["same", "motion", "a lamp", "a lamp off", "cut", "black", "another size", "unknown"],
)
def test_a_cut_is_a_change_of_the_whole_picture(then: Pixels | None, cut: bool) -> None:
    scene = Scene()
    assert not scene.cut(ROOM), "nothing to compare with"
    assert scene.cut(then) is cut


def test_a_cut_is_seen_in_dark_pictures_too() -> None:
    scene = Scene()
    scene.cut(ROOM // 6)
    assert scene.cut(ELSEWHERE // 6)


NOBODY = np.zeros((0, 4), np.float32)
SOMEBODY = np.array([[480, 160, 640, 320]], np.float32)


def stirred(x1: int, y1: int, x2: int, y2: int, faces: Floats) -> list[float] | None:
    """What a change of these points is taken for, with those faces in sight."""
    scene, now = Scene(), ROOM.copy()
    scene.cut(ROOM)
    scene.searched()
    now[y1:y2, x1:x2] = np.where(ROOM[y1:y2, x1:x2] > 127, 0, 255)
    scene.cut(now)
    news = scene.stirred(faces)
    return None if news is None else news.tolist()


def test_what_moves_beside_the_known_faces_is_news_and_where() -> None:
    where = [2 * 16, 30 * 16, 10 * 16, 40 * 16]
    assert stirred(2, 30, 10, 40, SOMEBODY) == where
    assert stirred(2, 30, 10, 40, NOBODY) == where


def test_a_known_persons_own_motion_is_none() -> None:
    assert stirred(20, 10, 50, 44, SOMEBODY) is None
    assert stirred(20, 10, 50, 44, NOBODY) == [20 * 16, 10 * 16, 50 * 16, 44 * 16]


def test_a_small_change_or_none_at_all_is_none() -> None:
    assert stirred(0, 0, 3, 3, NOBODY) is None
    assert stirred(0, 0, 0, 0, NOBODY) is None


def test_single_points_far_away_do_not_make_the_place_larger() -> None:
    scene, now = Scene(), ROOM.copy()
    scene.cut(ROOM)
    scene.searched()
    now[10:20, 10:20] = np.where(ROOM[10:20, 10:20] > 127, 0, 255)
    now[44, 79] = 255 if ROOM[44, 79] < 128 else 0
    scene.cut(now)
    news = scene.stirred(NOBODY)
    assert news is not None
    assert news.tolist() == [160, 160, 320, 320]


def test_without_a_search_to_compare_with_it_is_not_known() -> None:
    scene = Scene()
    scene.cut(ROOM)
    assert not scene.comparable
    scene.searched()
    assert scene.comparable
    scene.cut(None)
    assert not scene.comparable
    assert scene.stirred(NOBODY) is None


def test_after_a_picture_without_a_thumbnail_or_a_reset_there_is_nothing_to_compare_with() -> None:
    scene = Scene()
    scene.cut(ROOM)
    scene.cut(None)
    assert not scene.cut(ELSEWHERE)
    scene.reset()
    assert not scene.cut(ROOM)
