"""Course: what a clip's messages say in all, face by face."""

from __future__ import annotations

from typing import Any

import pytest

from engines.spec import CropGeometry
from stream.clock import ManualClock
from stream.files.course import Course, clip_state, highest
from stream.files.result import FaceCourse
from stream.messages import OverlayMessage, overlay_message
from stream.types import FaceState, Quality, Reason
from tests import builders

GEOMETRY = CropGeometry(32, 1.3)


def message(at_s: float, *faces: dict[str, Any], degraded: tuple[str, ...] = ()) -> OverlayMessage:
    """A message with the faces that are described; a `score` is this frame's own probability."""
    reports = []
    for face in faces:
        score = face.pop("score", None)
        heat = None if score is None else builders.heat(0.5)
        weight = face.pop("weight", 1.0)
        reports.append(
            builders.report(
                frame_probability_fake=score, heatmap=heat, quality=Quality(weight), **face
            )
        )
    analysis = builders.analysis(*reports, on=builders.frame(at_s))
    return overlay_message(analysis, 0, builders.health(degraded=degraded), ManualClock(), at_s)


def course(*messages: OverlayMessage, **how: Any) -> Course:
    made = Course(GEOMETRY, **how)
    for one in messages:
        made.add(one)
    return made


def only(made: Course) -> FaceCourse:
    (face,) = made.faces()
    return face


def test_a_faces_probability_is_the_mean_over_its_seconds_not_over_its_frames() -> None:
    face = only(
        course(
            *(message(n / 4, {"score": 0.2}) for n in range(4)),
            message(1.5, {"score": 0.8}),
        )
    )
    assert [(s.start_s, s.samples, s.probability_fake) for s in face.segments] == [
        (0.0, 4, 0.2), (1.0, 1, 0.8),
    ]  # fmt: skip
    assert face.probability_fake == pytest.approx(0.5)
    assert face.samples == 5


def test_a_second_without_a_scored_frame_says_nothing_and_does_not_count() -> None:
    face = only(course(message(0.0, {"score": 0.4}), message(1.0, {}), message(2.0, {})))
    assert [s.probability_fake for s in face.segments] == [0.4, None, None]
    assert face.probability_fake == 0.4


def test_the_timeline_holds_scored_frames_and_twice_a_second_the_others() -> None:
    times = [n / 10 for n in range(11)]
    face = only(course(*(message(at_s, {"score": 0.3 if at_s == 0.7 else None}) for at_s in times)))
    assert [s.media_time_s for s in face.timeline] == [0.0, 0.5, 0.7]


def test_the_clip_is_its_highest_face_among_those_that_something_is_said_of() -> None:
    made = course(
        message(
            0.0,
            {"track_id": 1, "score": 0.3},
            {"track_id": 2, "score": 0.6, "state": FaceState.SUSPICIOUS},
            {"track_id": 3, "score": 0.9, "state": FaceState.UNDECIDED},
        )
    )
    top = highest(made.faces())
    assert top is not None
    assert top.track_id == 2
    assert clip_state(made.faces()) is FaceState.SUSPICIOUS


def test_a_passer_by_of_whom_nothing_is_known_leaves_the_clips_state_as_it_is() -> None:
    made = course(message(0.0, {"track_id": 1}, {"track_id": 2, "state": FaceState.UNDECIDED}))
    assert clip_state(made.faces()) is FaceState.NO_EVIDENCE


def test_a_clip_is_undecided_when_nothing_could_be_said_of_anybody() -> None:
    made = course(message(0.0, {"state": FaceState.UNDECIDED, "score": 0.7}))
    assert clip_state(made.faces()) is FaceState.UNDECIDED
    top = highest(made.faces())
    assert top is not None
    assert top.probability_fake == 0.7


def test_a_clip_without_faces_has_no_state_and_no_highest_face() -> None:
    made = course(message(0.0))
    assert (clip_state(made.faces()), highest(made.faces()), made.undecided_share) == (
        None,
        None,
        0,
    )


def test_a_faces_state_is_the_worst_that_it_reached_and_when() -> None:
    states = (FaceState.UNDECIDED, FaceState.SUSPICIOUS, FaceState.FAKE, FaceState.NO_EVIDENCE)
    face = only(
        course(
            *(
                message(n / 4, {"state": state, "fake_since_s": 0.1 if n == 2 else None})
                for n, state in enumerate(states)
            )
        )
    )
    assert (face.state, face.alarm_at_s, face.fake_since_s) == (FaceState.FAKE, 0.5, 0.1)


def test_reasons_are_those_that_held_for_half_of_the_time() -> None:
    weak = {"reasons": (Reason.BLURRED,)}
    face = only(course(message(0.0, dict(weak)), message(0.1, dict(weak)), message(0.2, {})))
    assert face.reasons == (Reason.BLURRED,)
    face = only(course(message(0.0, dict(weak)), message(0.1, {}), message(0.2, {})))
    assert face.reasons == ()


def test_time_out_of_sight_is_nobodys_undecided_time() -> None:
    undecided = {"state": FaceState.UNDECIDED}
    made = course(*(message(at_s, dict(undecided)) for at_s in (0.0, 0.4, 10.0)))
    assert only(made).undecided_s == pytest.approx(0.9)
    assert made.undecided_share == 1.0


def test_the_most_telling_frames_are_kept_the_highest_first_with_what_was_cut_out() -> None:
    asked: list[float] = []

    def cut_out(at_s: float, crop_px: object) -> str:
        asked.append(at_s)
        return f"jpeg at {at_s}"

    scores = (0.1, 0.9, 0.5, 0.2, 0.7)
    made = course(
        *(message(n / 4, {"score": score}) for n, score in enumerate(scores)),
        moments=2,
        cut_out=cut_out,
    )
    moments = only(made).moments
    assert [m.probability_fake for m in moments] == [0.9, 0.7]
    assert [m.picture_jpeg for m in moments] == ["jpeg at 0.25", "jpeg at 1.0"]
    assert 0.75 not in asked


def test_places_are_given_in_the_clips_own_pixels() -> None:
    made = Course(GEOMETRY)
    made.add(message(0.0, {"score": 0.5}), (2.0, 3.0))
    face = only(made)
    assert face.timeline[0].box_px == (120.0, 60.0, 500.0, 630.0)
    x1, y1, x2, y2 = face.moments[0].crop_px
    assert [(x2 - x1) / 2, (y2 - y1) / 3] == pytest.approx([247, 247])


def test_what_was_not_as_it_should_be_is_said_once() -> None:
    made = course(message(0.0, degraded=("a",)), message(0.1, degraded=("a", "b")))
    assert made.degraded == ("a", "b")
