"""FaceFinder: when the cascade runs, and what O-Net is asked in between."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from stream.faces.cascade import Cascade
from stream.faces.finder import FaceFinder
from stream.faces.options import FacesOptions
from stream.types import FaceDetection, Floats, Pixels, TrackState
from tests.builders import detection

BLANK: Pixels = np.zeros((4, 4, 3), np.uint8)
HERE = (100.0, 60.0, 220.0, 180.0)


class Script:
    """A detector that sees `visible` and notes what it was asked."""

    def __init__(self) -> None:
        self.visible: list[FaceDetection] = []
        self.searches: list[float] = []
        self.sizes: list[tuple[int, ...]] = []
        self.asked: list[int] = []
        self.now_s = 0.0

    def detect(self, pixels: Pixels) -> list[FaceDetection]:
        self.searches.append(self.now_s)
        self.sizes.append(pixels.shape[:2])
        return list(self.visible) if pixels.base is None else []

    def refine(self, pixels: Pixels, boxes: Floats) -> list[FaceDetection | None]:
        self.asked.append(len(boxes))
        near = [
            next((d for d in self.visible if np.abs(d.box_px - box).max() < 40), None)
            for box in boxes
        ]
        return list(near)


def run(finder: FaceFinder, script: Script, start_s: float, seconds: float) -> None:
    for frame in range(round(seconds * 20)):
        script.now_s = round(start_s + frame / 20, 3)
        finder.update(BLANK, script.now_s)


def test_the_cascade_runs_once_a_second_while_everybody_is_in_sight() -> None:
    script = Script()
    script.visible = [detection(HERE)]
    run(FaceFinder(script, FacesOptions()), script, 0.0, 3.0)
    assert script.searches == [0.0, 1.0, 2.0]
    assert len(script.asked) == 59  # every frame but the first


def test_nobody_in_sight_is_searched_for_more_often_and_costs_no_onet() -> None:
    script = Script()
    run(FaceFinder(script, FacesOptions()), script, 0.0, 1.0)
    assert script.searches == [0.0, 0.25, 0.5, 0.75]
    assert script.asked == []


def test_a_face_that_is_lost_is_searched_for_at_once_then_often() -> None:
    script = Script()
    finder = FaceFinder(script, FacesOptions())
    script.visible = [detection(HERE)]
    run(finder, script, 0.0, 0.5)
    script.visible, script.searches = [], []
    run(finder, script, 0.5, 0.75)
    assert script.searches == [0.5, 0.75, 1.0]


def test_a_newcomer_is_found_at_the_next_search_and_named_once() -> None:
    script = Script()
    finder = FaceFinder(script, FacesOptions(confirm_hits=1))
    script.visible = [detection(HERE)]
    run(finder, script, 0.0, 0.5)
    script.visible.append(detection((400, 60, 500, 180)))
    run(finder, script, 0.5, 0.5)
    tracks = finder.update(BLANK, 1.0)
    assert [(t.track_id, t.first_seen_s) for t in tracks] == [(1, 0.0), (2, 1.0)]


def test_a_track_that_onet_and_search_both_miss_is_reported_lost() -> None:
    script = Script()
    finder = FaceFinder(script, FacesOptions(confirm_hits=1))
    script.visible = [detection(HERE)]
    finder.update(BLANK, 0.0)
    script.visible = []
    (track,) = finder.update(BLANK, 0.1)
    assert track.state is TrackState.LOST


def test_reset_searches_at_once_although_media_time_starts_anew() -> None:
    script = Script()
    finder = FaceFinder(script, FacesOptions(confirm_hits=1))
    script.visible = [detection(HERE)]
    finder.update(BLANK, 100.0)
    finder.reset()
    (track,) = finder.update(BLANK, 0.0)
    assert track.track_id == 2
    assert len(script.searches) == 2


# -- which frames are looked at -----------------------------------------------------------------


def looks(
    finder: FaceFinder, script: Script, seconds: float, *, fps: int = 30, **how: Any
) -> list[float]:
    """When a finder that is asked about every frame looks at one."""
    times_s = []
    for frame in range(round(seconds * fps)):
        script.now_s = round(frame / fps, 4)
        if finder.due(script.now_s, how.get("thumbnail"), busy=how.get("busy", False)):
            times_s.append(script.now_s)
            finder.update(BLANK, script.now_s)
    return times_s


def test_a_face_at_rest_is_looked_at_four_times_a_second() -> None:
    script = Script()
    script.visible = [detection(HERE)]
    times_s = looks(FaceFinder(script, FacesOptions()), script, 3.0)
    assert times_s[:3] == [0.0, 0.0333, 0.3], "a face seen once is looked at on the next frame"
    assert len(times_s) == pytest.approx(12, abs=2)
    assert script.searches == pytest.approx([0.0, 1.0333, 2.0333], abs=0.11)


def test_nobody_in_sight_is_only_searched_for() -> None:
    script = Script()
    times_s = looks(FaceFinder(script, FacesOptions()), script, 1.0)
    assert times_s == script.searches
    assert len(times_s) == 4


def still_life(moves_from: int | None = None) -> Script:
    """A finder sees one face for 5 s, with something moving from a frame on."""
    script = Script()
    script.visible = [detection((320.0, 160.0, 400.0, 240.0))]
    finder = FaceFinder(script, FacesOptions())
    for frame in range(150):
        script.now_s = round(frame / 30, 4)
        room = np.full((45, 80), 100, np.uint8)
        if moves_from is not None and frame >= moves_from:
            room[30:45, frame % 10 : frame % 10 + 8] = 200
        if finder.due(script.now_s, room):
            finder.update(np.zeros((720, 1280, 3), np.uint8), script.now_s)
    return script


def test_where_nothing_moves_beside_the_face_searches_are_rare() -> None:
    # Nothing is known of the picture at the first look: the second is the first to compare with.
    script = still_life()
    assert script.searches == pytest.approx([0.0, 3.0], abs=0.11)
    assert set(script.sizes) == {(720, 1280)}


def test_where_something_moves_beside_the_face_only_that_is_searched_at_once_then_less() -> None:
    script = still_life(moves_from=75)
    at = dict(zip(script.searches, script.sizes, strict=True))
    assert [at_s for at_s in at if at_s < 2.5] == pytest.approx([0.0], abs=0.11)
    whole = [at_s for at_s, size in at.items() if size == (720, 1280)]
    assert whole == pytest.approx([0.0, 3.0], abs=0.2), "the rest is searched as rarely"
    moving = [at_s for at_s in at if at_s >= 2.5]
    assert moving[0] == pytest.approx(2.5, abs=0.11)
    assert len(moving) == pytest.approx(5, abs=1)
    for at_s in moving:
        if at_s not in whole:
            height, width = at[at_s]
            assert height == pytest.approx(15 * 16 + 60, abs=32)
            assert width < 18 * 16 * 2


def test_what_a_search_of_one_part_finds_is_where_it_is_in_the_picture() -> None:
    class Corner(Script):
        def detect(self, pixels: Pixels) -> list[FaceDetection]:
            super().detect(pixels)
            return [detection((10.0, 20.0, 90.0, 110.0))] if pixels.base is not None else []

    script = Corner()
    finder = FaceFinder(script, FacesOptions(confirm_hits=1))
    room = np.random.default_rng(4).integers(0, 150, (45, 80), dtype=np.uint8)
    pixels = np.zeros((720, 1280, 3), np.uint8)
    script.visible = [detection((1000.0, 100.0, 1100.0, 220.0))]
    script.detect = lambda pixels: list(script.visible)  # type: ignore[method-assign]
    for at_s in (0.0, 0.05):
        finder.due(at_s, room)
        finder.update(pixels, at_s)
    del script.detect
    moved = room.copy()
    moved[20:44, 4:30] = 200
    assert finder.due(0.6, moved)
    tracks = finder.update(pixels, 0.6)
    newcomer = next(track for track in tracks if track.track_id == 2)
    x1, y1 = newcomer.detection.box_px[:2].tolist()
    assert script.sizes[-1] != (720, 1280)
    assert (x1, y1) == (10.0, 20.0 + 720 - script.sizes[-1][0])


def test_a_box_that_has_drifted_is_searched_anew() -> None:
    script = Script()
    script.visible = [detection((100.0, 60.0, 180.0, 140.0))]
    finder = FaceFinder(script, FacesOptions(confirm_hits=1))
    for frame in range(30):
        script.now_s = round(frame / 30, 4)
        if frame == 6:  # half of the body is in the box now
            script.visible = [detection((95.0, 55.0, 215.0, 175.0))]
        finder.update(BLANK, script.now_s)
    assert script.searches[:2] == pytest.approx([0.0, 0.2666], abs=0.04)


def test_an_unsteady_face_is_looked_at_more_often() -> None:
    counts = []
    for px in (0, 6, 20):
        script = Script()
        finder = FaceFinder(script, FacesOptions(confirm_hits=1))
        asked = 0
        for frame in range(60):
            moved = px * np.sin(frame / 3)
            script.visible = [detection((HERE[0] + moved, HERE[1], HERE[2] + moved, HERE[3]))]
            if finder.due(frame / 30, None):
                asked += 1
                finder.update(BLANK, frame / 30)
        counts.append(asked)
    assert counts[0] == pytest.approx(9, abs=1)
    assert counts[0] < counts[1] < counts[2]


def test_a_face_that_sways_is_shown_near_where_it_is_between_looks() -> None:
    script = Script()
    finder = FaceFinder(script, FacesOptions(confirm_hits=1))
    off_sides, looked = [], 0
    for frame in range(150):
        now_s = frame / 15
        moved = 70 * np.sin(2 * np.pi * now_s / 3.2)  # the sides are 120 px
        script.visible = [detection((HERE[0] + moved, HERE[1], HERE[2] + moved, HERE[3]))]
        if finder.due(now_s, None):
            looked += 1
            shown = finder.update(BLANK, now_s)
        else:
            shown = finder.predict(now_s)
        off_sides.append(abs(float(shown[0].detection.box_px[0]) - HERE[0] - moved) / 120)
    assert max(off_sides) < 0.1
    assert looked < 50


def test_while_others_wait_looks_are_put_off_but_not_for_ever() -> None:
    script = Script()
    script.visible = [detection(HERE)]
    finder = FaceFinder(script, FacesOptions(confirm_hits=1))
    times_s = looks(finder, script, 9.0, busy=True)
    assert len(times_s) == pytest.approx(18, abs=1), "half as often as else"
    assert script.searches == pytest.approx([0.0, 4.0, 8.0], abs=0.04), "instead of every second"


def test_a_search_waits_for_a_score_but_not_for_ever() -> None:
    for hold, expected in ((False, 1.0), (True, 1.3)):
        script = Script()
        script.visible = [detection(HERE)]
        finder = FaceFinder(script, FacesOptions(confirm_hits=1))
        for frame in range(60):
            script.now_s = frame / 30
            if finder.due(script.now_s, None, hold=hold):
                finder.update(BLANK, script.now_s, hold=hold)
        assert script.searches[1] == pytest.approx(expected, abs=0.11)


def test_a_follow_interval_of_zero_looks_at_every_frame() -> None:
    script = Script()
    script.visible = [detection(HERE)]
    assert len(looks(FaceFinder(script, FacesOptions(follow_interval_s=0)), script, 1.0)) == 30


def test_after_a_cut_the_whole_picture_is_searched_at_once_and_only_once() -> None:
    script = Script()
    script.visible = [detection(HERE)]
    finder = FaceFinder(script, FacesOptions())
    dark, light = (np.full((4, 4), level, np.uint8) for level in (20, 200))
    for frame in range(30):
        script.now_s = round(frame / 30, 4)
        if finder.due(script.now_s, dark if frame < 15 else light):
            finder.update(BLANK, script.now_s)
    assert script.searches == [0.0, 0.5]


@pytest.mark.parametrize(("then", "ids"), [("elsewhere", {1, 2}), ("darker", {1})])
def test_a_cut_ends_every_track_and_a_lamp_ends_none(then: str, ids: set[int]) -> None:
    script, options = Script(), FacesOptions(confirm_hits=1)
    script.visible = [detection(HERE)]  # after the cut somebody else, at the very same place
    finder = FaceFinder(script, options)
    room, elsewhere = np.random.default_rng(3).integers(0, 256, (2, 45, 80), dtype=np.uint8)
    pictures = {"elsewhere": elsewhere, "darker": room // 3}
    seen = set()
    for frame in range(30):
        script.now_s = frame / 30
        if finder.due(script.now_s, room if frame < 15 else pictures[then]):
            finder.update(BLANK, script.now_s)
        tracks = finder.predict(script.now_s)
        seen |= {track.track_id for track in tracks}
        assert len(tracks) == 1, "the frame of the cut is searched at once"
    assert seen == ids


def test_a_picture_that_flickers_is_not_searched_on_every_frame() -> None:
    script = Script()
    finder = FaceFinder(script, FacesOptions())
    for frame in range(30):
        script.now_s = round(frame / 30, 4)
        level = np.full((4, 4), 200 * (frame % 2), np.uint8)
        if finder.due(script.now_s, level):
            finder.update(BLANK, script.now_s)
    assert len(script.searches) == pytest.approx(6, abs=1)


def test_between_looks_a_face_is_where_it_should_be_by_now() -> None:
    script = Script()
    finder = FaceFinder(script, FacesOptions(confirm_hits=1))
    for frame in range(20):
        moved = 3 * frame
        script.visible = [detection((HERE[0] + moved, HERE[1], HERE[2] + moved, HERE[3]))]
        finder.update(BLANK, frame / 30)
    (track,) = finder.predict(20 / 30)
    assert track.detection.box_px[0] == pytest.approx(HERE[0] + 3 * 20, abs=1.5)
    assert track.last_seen_s == pytest.approx(19 / 30), "a prediction is no sighting"
    assert finder.predict(20 / 30)[0].detection.box_px[0] == track.detection.box_px[0]


@pytest.mark.parametrize("step_px", [0, 4])
def test_a_real_face_is_followed_as_it_moves(
    cascade: Cascade, portrait: Pixels, step_px: int
) -> None:
    finder = FaceFinder(cascade, FacesOptions())
    ids, middles = set(), []
    for frame in range(20):
        moved = np.roll(portrait, step_px * frame, axis=1)
        (track,) = finder.update(moved, frame / 30)
        ids.add(track.track_id)
        middles.append(float(track.detection.landmarks_px[:, 0].mean()))
    assert ids == {1}
    steps = np.diff(middles[1:])
    assert abs(steps.mean() - step_px) < 1
