"""Searches: when the whole picture is searched, when a part of it, and which."""

from __future__ import annotations

import numpy as np
import pytest

from stream.faces.options import FacesOptions
from stream.faces.search import Region, Searches
from stream.types import Floats, Pixels

SIZE_PX = (1280, 720)
ROOM: Pixels = np.full((45, 80), 100, np.uint8)
NOBODY: Floats = np.zeros((0, 4), np.float32)
SOMEBODY: Floats = np.array([[600, 160, 680, 260]], np.float32)


def searched(thumbnail: Pixels | None = ROOM) -> Searches:
    """The whole picture was searched at 0 s; SOMEBODY is in it."""
    searches = Searches(FacesOptions())
    searches.see(0.0, thumbnail)
    searches.done(0.0, whole=True, fruitful=True)
    return searches


def stirred(x1: int, y1: int, x2: int, y2: int) -> Pixels:
    """The room with something else at these points."""
    room = ROOM.copy()
    room[y1:y2, x1:x2] = 200
    return room


def test_a_face_that_is_missed_is_searched_for_where_it_should_be() -> None:
    searches = searched()
    searches.see(0.3, ROOM)
    assert searches.due(0.3, SOMEBODY, SOMEBODY)
    region = searches.region(0.3, SIZE_PX, SOMEBODY, SOMEBODY)
    assert region == Region(520, 60, 760, 360), "one side beside it on all sides"


def test_what_moves_is_searched_with_a_margin_that_stays_in_the_picture() -> None:
    searches = searched()
    searches.see(0.3, stirred(0, 30, 10, 45))
    assert searches.due(0.3, SOMEBODY, NOBODY)
    assert searches.region(0.3, SIZE_PX, SOMEBODY, NOBODY) == Region(0, 420, 200, 720)


def test_one_region_holds_who_is_missed_and_what_moves() -> None:
    searches = searched()
    searches.see(0.3, stirred(20, 5, 30, 15))
    region = searches.region(0.3, SIZE_PX, SOMEBODY, SOMEBODY)
    assert region == Region(280, 40, 760, 360)


def test_a_large_part_is_searched_as_a_whole() -> None:
    searches = searched()
    searches.see(0.3, stirred(0, 0, 60, 45))
    assert searches.due(0.3, NOBODY, NOBODY)
    assert searches.region(0.3, SIZE_PX, SOMEBODY, NOBODY) is None


def test_after_a_search_of_a_part_the_whole_is_still_due_at_its_time() -> None:
    searches = searched()
    for at_s in (0.3, 1.5, 2.7):
        searches.see(at_s, stirred(0, 30, 10 + round(10 * at_s), 45))
        assert searches.due(at_s, SOMEBODY, NOBODY)
        assert searches.region(at_s, SIZE_PX, SOMEBODY, NOBODY) is not None
        searches.done(at_s, whole=False, fruitful=True)
    assert searches.due(3.0, SOMEBODY, NOBODY)
    assert searches.region(3.0, SIZE_PX, SOMEBODY, NOBODY) is None


def test_a_part_waits_for_a_score_but_not_for_ever() -> None:
    searches = searched()
    for at_s, hold, due in ((0.3, True, False), (0.3, False, True), (0.45, True, True)):
        searches.see(at_s, stirred(0, 30, 10, 45))
        assert searches.due(at_s, SOMEBODY, NOBODY, hold=hold) == due
    searches.hurry(0.3)
    assert searches.due(0.3, SOMEBODY, NOBODY, hold=True), "what is urgent does not wait"


def test_the_whole_waits_for_a_score_although_a_part_is_searched() -> None:
    searches = searched()
    searches.see(3.0, stirred(0, 30, 10, 45))
    assert searches.due(3.0, SOMEBODY, NOBODY, hold=True)
    assert searches.region(3.0, SIZE_PX, SOMEBODY, NOBODY, hold=True) is not None
    assert searches.region(3.0, SIZE_PX, SOMEBODY, NOBODY) is None
    assert searches.region(3.3, SIZE_PX, SOMEBODY, NOBODY, hold=True) is None


def moving_searches(fruitful: int | None = None) -> list[float]:
    """When parts are searched while something moves for 2.6 s; the one of this number finds
    somebody.
    """
    searches, times_s = searched(), list[float]()
    for tick in range(1, 53):
        now_s = tick / 20
        searches.see(now_s, stirred(0, 30, 3 + tick // 2, 45))
        if not searches.asleep(now_s) and searches.due(now_s, SOMEBODY, NOBODY):
            searches.done(now_s, whole=False, fruitful=len(times_s) == fruitful)
            times_s.append(now_s)
    return times_s


def test_what_moves_all_the_time_is_searched_less_often_until_somebody_comes() -> None:
    assert moving_searches() == pytest.approx([0.25, 0.75, 1.75], abs=0.11)
    assert moving_searches(fruitful=1) == pytest.approx([0.25, 0.75, 1.1, 1.65], abs=0.11)


@pytest.mark.parametrize("rests", [False, True])
def test_what_moves_after_a_rest_is_searched_often_again(rests: bool) -> None:
    searches = searched()

    def moved(at_s: float, width: int) -> bool:
        searches.see(at_s, stirred(0, 30, width, 45))
        due = searches.due(at_s, SOMEBODY, NOBODY)
        if due:
            searches.done(at_s, whole=False, fruitful=False)
        return due

    assert moved(0.3, 5)
    assert moved(0.85, 10)
    assert moved(1.9, 10 if rests else 15) == (not rests)
    assert moved(1.95, 20) == rests
    assert moved(2.5, 25) == rests


def test_while_somebody_is_missed_the_whole_is_searched_more_often() -> None:
    searches = searched()
    searches.see(0.9, ROOM)
    assert searches.region(0.9, SIZE_PX, SOMEBODY, SOMEBODY) is not None
    assert searches.region(1.0, SIZE_PX, SOMEBODY, SOMEBODY) is None


@pytest.mark.parametrize(("missed", "due_s"), [(SOMEBODY, 0.25), (NOBODY, 1.0)])
def test_where_pictures_cannot_be_compared_the_whole_is_searched(
    missed: Floats, due_s: float
) -> None:
    searches = searched(thumbnail=None)
    assert not searches.due(due_s - 0.05, SOMEBODY, missed)
    assert searches.due(due_s, SOMEBODY, missed)
    assert searches.region(due_s, SIZE_PX, SOMEBODY, missed) is None


def test_a_cut_is_searched_at_once_and_as_a_whole_but_not_on_every_frame() -> None:
    searches = searched()
    searches.see(0.3, 255 - ROOM)
    assert searches.due(0.3, SOMEBODY, NOBODY, hold=True)
    assert searches.region(0.3, SIZE_PX, SOMEBODY, NOBODY) is None
    searches.done(0.3, whole=True, fruitful=True)
    searches.see(0.35, ROOM)
    assert not searches.due(0.35, SOMEBODY, NOBODY)


def test_it_is_not_asked_again_and_again_while_nothing_changes() -> None:
    searches = searched()
    assert searches.asleep(0.2), "a search was just made"
    assert not searches.asleep(0.26)
    searches.see(0.26, ROOM)
    assert not searches.due(0.26, SOMEBODY, NOBODY)
    assert searches.asleep(0.3)
    assert not searches.asleep(0.37)
    searches.hurry(0.3)
    assert not searches.asleep(0.3)


def test_a_reset_forgets_when_and_what_was_searched() -> None:
    searches = searched()
    searches.reset()
    searches.see(0.01, 255 - ROOM)
    assert searches.due(0.01, NOBODY, NOBODY)
    assert searches.region(0.01, SIZE_PX, NOBODY, NOBODY) is None
