"""FaceTracker: ids that stay, through synthetic motion."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.faces.options import FacesOptions
from stream.faces.tracker import MAY_TURN, UNFOUND_LOOKS, FaceTracker
from stream.types import FaceDetection, FaceTrack, TrackState
from tests.builders import detection

FPS = 30
Path = Callable[[float], tuple[float, float] | None]
"""Where the middle of a face is at a time in seconds; None while it cannot be seen."""


def face(x: float, y: float = 200.0, side: float = 80.0, confidence: float = 0.99) -> FaceDetection:
    half = side / 2
    return detection((x - half, y - half, x + half, y + half), confidence)


def middle(track: FaceTrack) -> tuple[float, float]:
    x1, y1, x2, y2 = (float(value) for value in track.detection.box_px)
    return (x1 + x2) / 2, (y1 + y2) / 2


def follow(
    tracker: FaceTracker,
    paths: Sequence[Path],
    seconds: float,
    *,
    fps: float = FPS,
    jitter_px: float = 1.0,
) -> list[dict[int, int]]:
    """Run the paths as a cascade at every fifth frame and O-Net in between would see them.

    Gives, for each frame, which id each visible path bears.
    """
    rng = np.random.default_rng(1)
    history = []
    for frame in range(round(seconds * fps)):
        now_s = frame / fps
        places = [(key, place) for key, path in enumerate(paths) if (place := path(now_s))]
        seen = [face(*(np.array(p) + rng.normal(0, jitter_px, 2))) for _, p in places]
        found = seen if frame % 5 == 0 else None
        tracks = tracker.update(now_s, seen if tracker.tracks else [], found)
        confirmed = [t for t in tracks if t.state is TrackState.CONFIRMED]
        history.append(
            {
                key: track.track_id
                for key, place in places
                for track in confirmed
                if np.hypot(*(np.array(middle(track)) - place)) < 12
            }
        )
    return history


def ids_of(history: list[dict[int, int]], key: int) -> list[int]:
    """The ids that one path bore, in order, each once."""
    return list(dict.fromkeys(frame[key] for frame in history if key in frame))


PATHS: dict[str, list[Path]] = {
    "standing still": [lambda t: (300, 200)],
    "walking": [lambda t: (100 + 200 * t, 200)],
    "shaking the head": [lambda t: (300 + 30 * np.sin(9 * t), 200)],
    "two side by side": [lambda t: (200, 200), lambda t: (320, 200)],
    "two walking towards and past each other, apart": [
        lambda t: (100 + 150 * t, 150),
        lambda t: (550 - 150 * t, 280),
    ],
    "four in a row, panning": [
        lambda t, k=k: (100 + 130 * k + 60 * t, 200)  # type: ignore[misc]
        for k in range(4)
    ],
}


@pytest.mark.parametrize("name", PATHS)
@pytest.mark.parametrize("fps", [30, 10])
def test_every_face_keeps_one_id(name: str, fps: float) -> None:
    paths = PATHS[name]
    history = follow(FaceTracker(FacesOptions()), paths, 3.0, fps=fps)
    assert [len(ids_of(history, key)) for key in range(len(paths))] == [1] * len(paths)
    assert len(set(history[-1].values())) == len(paths)


@pytest.mark.parametrize("behind_s", [0.3, 0.6, 1.0])
def test_a_face_comes_back_from_behind_a_pillar_with_its_id(behind_s: float) -> None:
    def path(t: float) -> tuple[float, float] | None:
        return None if 1.0 < t < 1.0 + behind_s else (100 + 80 * t, 200)

    history = follow(FaceTracker(FacesOptions()), [path], 3.0)
    assert ids_of(history, 0) == [1]
    assert 0 in history[-1]


def test_faces_that_cross_keep_their_ids() -> None:
    # The nearer face hides the other while their middles are within half a side.
    def near(t: float) -> tuple[float, float]:
        return 150 + 150 * t, 200

    def behind(t: float) -> tuple[float, float] | None:
        x = 450 - 150 * t
        return None if abs(x - near(t)[0]) < 40 else (x, 200)

    history = follow(FaceTracker(FacesOptions()), [near, behind], 2.0)
    assert len(ids_of(history, 0)) == len(ids_of(history, 1)) == 1
    assert set(ids_of(history, 0)) != set(ids_of(history, 1))
    assert set(history[-1]) == {0, 1}


def test_when_both_expected_boxes_show_the_nearer_face_one_track_keeps_it() -> None:
    tracker = FaceTracker(FacesOptions(confirm_hits=1))
    tracker.update(0.0, [], [face(200), face(300)])
    tracks = tracker.update(0.1, [face(201), face(202, confidence=0.9)])
    states = {track.track_id: track.state for track in tracks}
    assert states == {1: TrackState.CONFIRMED, 2: TrackState.LOST}


def test_a_face_is_tentative_until_seen_again() -> None:
    tracker = FaceTracker(FacesOptions(confirm_hits=3))
    states = [tracker.update(0.0, [], [face(200)])[0].state]
    states += [tracker.update(0.1 * k, [face(200)])[0].state for k in (1, 2, 3)]
    assert states == [TrackState.TENTATIVE] * 2 + [TrackState.CONFIRMED] * 2


def test_one_hit_is_enough_when_so_asked() -> None:
    (track,) = FaceTracker(FacesOptions(confirm_hits=1)).update(0.0, [], [face(200)])
    assert track.state is TrackState.CONFIRMED


def test_what_was_seen_only_once_is_forgotten_at_once() -> None:
    tracker = FaceTracker(FacesOptions())
    tracker.update(0.0, [], [face(200)])
    assert tracker.update(0.1, []) == ()


def test_a_lost_face_keeps_its_last_detection_and_is_forgotten_in_time() -> None:
    tracker = FaceTracker(FacesOptions(confirm_hits=1, lost_after_s=1.0))
    tracker.update(0.0, [], [face(200)])
    (lost,) = tracker.update(1.0, [])
    assert lost.state is TrackState.LOST
    assert middle(lost) == (200, 200)
    assert lost.first_seen_s == lost.last_seen_s == 0.0
    assert tracker.update(1.1, []) == ()


def test_a_lost_face_that_is_seen_again_is_confirmed() -> None:
    tracker = FaceTracker(FacesOptions())
    tracker.update(0.0, [], [face(200)])
    tracker.update(0.1, [face(200)])
    tracker.update(0.2, [])
    (back,) = tracker.update(0.3, [face(204)])
    assert (back.track_id, back.state) == (1, TrackState.CONFIRMED)
    assert (back.first_seen_s, back.last_seen_s) == (0.0, 0.3)


def test_following_alone_starts_no_track() -> None:
    assert FaceTracker(FacesOptions()).update(0.0, [face(200)]) == ()


def test_a_face_seen_by_both_looks_is_one_and_the_cascade_has_the_word() -> None:
    tracker = FaceTracker(FacesOptions(confirm_hits=1))
    tracker.update(0.0, [], [face(200)])
    (track,) = tracker.update(0.1, [face(204, confidence=1.0)], [face(201, confidence=0.8)])
    assert middle(track) == (201, 200)


def test_the_cascade_can_miss_a_face_that_onet_still_sees_but_not_for_ever() -> None:
    tracker = FaceTracker(FacesOptions(confirm_hits=1))
    tracker.update(0.0, [], [face(200)])
    for look in range(1, UNFOUND_LOOKS):
        assert len(tracker.update(float(look), [face(200)], [])) == 1
    assert tracker.update(float(UNFOUND_LOOKS), [face(200)], []) == ()


def test_being_found_again_starts_the_count_anew() -> None:
    tracker = FaceTracker(FacesOptions(confirm_hits=1))
    tracker.update(0.0, [], [face(200)])
    for look in range(1, 4 * UNFOUND_LOOKS):
        found = [face(200)] if look % UNFOUND_LOOKS == 0 else []
        assert len(tracker.update(float(look), [face(200)], found)) == 1


def test_a_moving_face_is_expected_further_on() -> None:
    tracker = FaceTracker(FacesOptions())
    for frame in range(30):
        seen = [face(100 + 5 * frame)]
        tracker.update(frame / FPS, seen, seen if frame == 0 else None)
    box = tracker.expected(30 / FPS)[0]
    assert float(box[0] + box[2]) / 2 == pytest.approx(250, abs=1)


def test_nobody_is_expected_at_first() -> None:
    assert FaceTracker(FacesOptions()).expected(0.0).shape == (0, 4)


def test_only_the_largest_faces_are_followed_and_ids_are_not_spent_on_the_rest() -> None:
    tracker = FaceTracker(FacesOptions(confirm_hits=1, max_faces=2))
    row = [face(100, side=40), face(300, side=90), face(500, side=60)]
    tracks = tracker.update(0.0, [], row)
    assert [(t.track_id, middle(t)[0]) for t in tracks] == [(1, 300), (2, 500)]
    tracker.update(0.1, [], row)
    tracks = tracker.update(0.2, [], [*row, face(800, side=120)])
    assert [(t.track_id, middle(t)[0]) for t in tracks] == [(1, 300), (3, 800)]


def test_a_newcomer_of_much_the_same_size_takes_nobodys_place() -> None:
    tracker = FaceTracker(FacesOptions(confirm_hits=1, max_faces=1))
    tracker.update(0.0, [], [face(100, side=80)])
    tracks = tracker.update(0.1, [], [face(100, side=80), face(400, side=85)])
    assert [t.track_id for t in tracks] == [1]


def test_a_lost_face_makes_room_for_one_in_sight() -> None:
    tracker = FaceTracker(FacesOptions(confirm_hits=1, max_faces=1))
    tracker.update(0.0, [], [face(100, side=200)])
    tracks = tracker.update(0.1, [], [face(600, side=50)])
    assert [(t.track_id, t.state) for t in tracks] == [(2, TrackState.CONFIRMED)]


def test_reset_forgets_faces_but_not_the_count_of_ids() -> None:
    tracker = FaceTracker(FacesOptions())
    tracker.update(5.0, [], [face(200), face(400)])
    tracker.reset()
    assert tracker.tracks == ()
    (track,) = tracker.update(0.0, [], [face(200)])
    assert track.track_id == 3


def test_a_look_at_the_same_instant_leaves_the_velocity_alone() -> None:
    tracker = FaceTracker(FacesOptions(confirm_hits=1))
    tracker.update(0.0, [], [face(200)])
    tracker.update(0.0, [face(210)])
    np.testing.assert_allclose(tracker.expected(1.0)[0], face(210).box_px)


# -- between looks ------------------------------------------------------------------------------


def moving(px_per_s: float) -> FaceTracker:
    """A tracker that has followed a face of 80 px for a second; it is at 300 px at 1 s."""
    tracker = FaceTracker(FacesOptions(confirm_hits=1))
    for frame in range(FPS + 1):
        x = 300 + px_per_s * (frame / FPS - 1)
        tracker.update(frame / FPS, [face(x)], [face(x)])
    return tracker


def test_between_looks_a_face_goes_on_as_it_moved_and_nothing_is_changed() -> None:
    tracker = moving(90)
    before = tracker.tracks
    (track,) = tracker.predicted(1.1)
    assert middle(track) == pytest.approx((309, 200), abs=1)
    points = track.detection.landmarks_px - before[0].detection.landmarks_px
    assert points[:, 0] == pytest.approx([9] * 5, abs=1)
    assert (track.state, track.last_seen_s) == (TrackState.CONFIRMED, 1.0)
    assert tracker.tracks == before


def test_however_fast_it_seemed_a_face_is_shown_at_most_half_a_side_away() -> None:
    (track,) = moving(-900).predicted(1.5)
    assert middle(track) == pytest.approx((260, 200), abs=0.01)


def test_a_face_that_has_just_gone_is_expected_to_go_on() -> None:
    tracker = moving(90)
    tracker.update(1.05, [])
    (track,) = tracker.predicted(1.1)
    assert track.state is TrackState.LOST
    assert middle(track) == pytest.approx((309, 200), abs=1)


def test_a_face_just_seen_is_where_it_was_seen() -> None:
    tracker = moving(90)
    assert tracker.predicted(1.0)[0].detection is tracker.tracks[0].detection


def test_a_face_of_which_the_cascade_is_sure_is_reported_at_first_sight() -> None:
    for confidence, state in ((0.999, TrackState.CONFIRMED), (0.98, TrackState.TENTATIVE)):
        (track,) = FaceTracker(FacesOptions()).update(0.0, [], [face(300, confidence=confidence)])
        assert track.state is state


def test_a_face_seen_once_has_no_speed_yet_and_takes_its_first_step_for_it() -> None:
    tracker = FaceTracker(FacesOptions(confirm_hits=1))
    tracker.update(0.0, [], [face(300)])
    assert tracker.seen_once()
    tracker.update(0.1, [face(320)])
    assert not tracker.seen_once()
    (track,) = tracker.predicted(0.2)
    assert track.detection.box_px[0] == pytest.approx(face(340).box_px[0], abs=1.5)


def test_a_box_that_has_grown_since_the_cascade_found_it_has_drifted() -> None:
    tracker = FaceTracker(FacesOptions(confirm_hits=1))
    tracker.update(0.0, [], [face(300, side=80)])
    for number, side in enumerate((85, 90, 95), 1):
        tracker.update(number / 10, [face(300, side=side)])
        assert not tracker.drifted().any()
    tracker.update(0.4, [face(300, side=98)])
    assert tracker.drifted().tolist() == [True]
    tracker.update(0.5, [], [face(300, side=98)])
    assert not tracker.drifted().any(), "the cascade found it so"


def test_what_the_cascade_corrects_is_no_motion() -> None:
    tracker = FaceTracker(FacesOptions(confirm_hits=1))
    tracker.update(0.0, [], [face(300, side=80)])
    tracker.update(0.1, [face(320, side=110)])
    tracker.update(0.2, [], [face(300, side=80)])
    assert middle(tracker.predicted(0.4)[0]) == pytest.approx((300, 200), abs=1)
    tracker.update(0.3, [], [face(310, side=80)])
    assert middle(tracker.predicted(0.4)[0])[0] > 315, "but this is"


def test_a_face_that_goes_on_as_before_strays_by_no_more_than_if_it_turned() -> None:
    tracker = FaceTracker(FacesOptions(confirm_hits=1))
    assert tracker.restless_sides_s() == 0.0
    for look in range(20):
        tracker.update(look / 10, [], [face(300 + 8 * look, side=80)])
    assert tracker.restless_sides_s() == pytest.approx(MAY_TURN * 8 / 80 / 0.1, abs=0.05)


def test_a_face_that_turns_strays_and_is_taken_for_steady_again_after_a_while() -> None:
    tracker = FaceTracker(FacesOptions(confirm_hits=1))
    tracker.update(0.0, [], [face(300, side=80)])
    tracker.update(0.1, [], [face(300, side=80)])
    tracker.update(0.2, [], [face(316, side=80)])
    strayed = tracker.restless_sides_s()
    assert strayed == pytest.approx(16 / 80 / 0.1)
    for look in range(3, 20):
        x = 300 if look % 2 else 316
        tracker.update(look / 10, [], [face(x, side=80)])
    assert tracker.restless_sides_s() >= strayed, "it never goes where it is expected"
    for look in range(20, 50):
        tracker.update(look / 10, [], [face(300, side=80)])
    assert tracker.restless_sides_s() < 0.1 * strayed


def test_a_search_of_one_part_says_nothing_of_faces_elsewhere() -> None:
    tracker = FaceTracker(FacesOptions(confirm_hits=1))
    tracker.update(0.0, [], [face(100, side=80), face(400, side=80)])
    for look in range(1, 5):
        seen = [face(100, side=80), face(400, side=80)]
        tracker.update(look / 10, seen, [], (0, 0, 250, 480))
    assert [track.track_id for track in tracker.tracks] == [2], "the cascade never found the other"


places = st.tuples(st.floats(50, 600), st.floats(50, 400), st.floats(41, 160), st.floats(0.7, 1))


@settings(deadline=None)  # two cores may be shared
@given(st.lists(st.tuples(st.lists(places, max_size=5), st.booleans()), max_size=12))
def test_two_tracks_never_share_a_face(
    looks: list[tuple[list[tuple[float, float, float, float]], bool]],
) -> None:
    tracker = FaceTracker(FacesOptions(max_faces=4))
    newest = 0
    for number, (rows, thorough) in enumerate(looks):
        seen = [face(*row) for row in rows]
        tracks = tracker.update(0.2 * number, seen, seen if thorough else None)
        ids = [track.track_id for track in tracks]
        assert ids == sorted(set(ids))
        assert len(tracks) <= 4
        fresh = [i for i in ids if i > newest]
        assert fresh == list(range(newest + 1, newest + 1 + len(fresh)))
        newest = max([newest, *ids])
        here = [t.detection for t in tracks if t.state is not TrackState.LOST]
        assert len({id(d) for d in here}) == len(here)
        assert tracker.tracks == tracks
