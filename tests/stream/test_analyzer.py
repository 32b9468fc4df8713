"""Analyzer: which faces are due, what is never scored, and what is said of each."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from engines.spec import CalibrationLevel
from stream.analyzer import Analyzer
from stream.scoring.calibration import probability_of
from stream.scoring.options import ScoringOptions
from stream.types import (
    Analysis,
    CropScore,
    FaceCrop,
    FaceReport,
    FaceState,
    FaceTrack,
    Frame,
    Quality,
    Reason,
    TrackState,
)
from tests import builders
from tests.doubles import ScriptedFinder

BEYOND = (-200.0, 60.0, -80.0, 180.0)
"""A box wholly outside the picture: its evidence weighs nothing."""


def make(
    *script: Iterable[FaceTrack], options: ScoringOptions | None = None, **spec: Any
) -> Analyzer:
    finder = ScriptedFinder(*(script or ([builders.track()],)))
    return Analyzer(finder, builders.detector_spec(**spec), options or ScoringOptions())


def step(
    analyzer: Analyzer, frame: Frame, logit: float = 0.0
) -> tuple[tuple[FaceCrop, ...], Analysis]:
    """One frame through; every crop that is due gets `logit`."""
    crops = analyzer.observe(frame)
    scores = [CropScore(logit, builders.heat(0.5)) for _ in crops]
    at_s = frame.capture.decoded_at_s
    return crops, analyzer.absorb(frame, crops, scores, at_s + 0.01, at_s + 0.02 if crops else None)


def face(analysis: Analysis) -> FaceReport:
    (only,) = analysis.faces
    return only


def run(
    analyzer: Analyzer, times_s: Sequence[float], logit: float = 0.0, **how: Any
) -> list[tuple[tuple[FaceCrop, ...], Analysis]]:
    return [
        step(analyzer, builders.frame(time_s, seq=seq, **how), logit)
        for seq, time_s in enumerate(times_s)
    ]


# -- who is due ---------------------------------------------------------------------------------


def test_a_face_is_due_when_it_is_first_seen() -> None:
    crops, _ = step(make(), builders.frame(3.0))
    assert [(crop.track_id, crop.media_time_s) for crop in crops] == [(1, 3.0)]


def test_a_face_is_scored_target_fps_times_a_second() -> None:
    frames = run(make(options=ScoringOptions(target_fps=4.0)), [n / 30 for n in range(300)])
    scored = sum(len(crops) for crops, _ in frames)
    assert 40 <= scored <= 45


def test_an_interval_is_cut_a_tenth_short_so_that_jitter_costs_no_frame() -> None:
    jitter_s = (0.0, 0.02, -0.004, 0.01, -0.003)
    times_s = [n / 4 + jitter_s[n % 5] for n in range(40)]
    frames = run(make(options=ScoringOptions(target_fps=4.0)), times_s)
    assert all(len(crops) == 1 for crops, _ in frames)


def test_due_times_follow_media_time_and_not_the_number_of_frames() -> None:
    frames = run(make(options=ScoringOptions(target_fps=2.0)), [0.0, 0.1, 0.2, 5.0, 5.1, 9.0])
    assert [len(crops) for crops, _ in frames] == [1, 0, 0, 1, 0, 1]


def two_faces(*times_s: float) -> list[list[int]]:
    """Who is scored at these times, the second face being in sight from the second time on."""
    one, other = builders.track(1), builders.track(2, box_px=(10.0, 60.0, 90.0, 160.0))
    analyzer = make([one], [one, other], options=ScoringOptions(target_fps=4.0))
    return [[crop.track_id for crop in crops] for crops, _ in run(analyzer, times_s)]


def test_each_face_has_its_own_due_time() -> None:
    assert two_faces(0.0, 0.12, 0.25, 0.37) == [[1], [2], [1], [2]]


def test_a_face_goes_with_one_that_is_due_shortly_before_and_both_stay_together() -> None:
    assert two_faces(0.0, 0.06, 0.25, 0.31, 0.5, 0.56) == [[1], [2], [1, 2], [], [1, 2], []]


def test_a_crop_is_cut_in_the_specs_geometry() -> None:
    (crop,), _ = step(
        make([builders.track(box_px=(100.0, 60.0, 220.0, 180.0))], crop_scale=1.5), builders.frame()
    )
    assert crop.pixels.shape == (builders.CROP_PX, builders.CROP_PX, 3)
    assert crop.pixels.dtype == np.uint8
    centre = crop.frame_from_crop @ [builders.CROP_PX / 2, builders.CROP_PX / 2, 1.0]
    corner = crop.frame_from_crop @ [0.0, 0.0, 1.0]
    assert centre == pytest.approx([160.0, 120.0])
    assert corner == pytest.approx([160.0 - 90.0, 120.0 - 90.0])


def test_a_crop_carries_the_capture_time_of_its_frame() -> None:
    (crop,), _ = step(make(), builders.frame(2.0, captured_at_s=777.0))
    assert crop.captured_at_s == 777.0


# -- which frames are looked at -----------------------------------------------------------------


def idle() -> tuple[Analyzer, ScriptedFinder]:
    """An analyzer that has scored its one face at 0 s; its finder wants no look."""
    finder = ScriptedFinder([builders.track()])
    analyzer = Analyzer(finder, builders.detector_spec(), ScoringOptions(target_fps=4.0))
    step(analyzer, builders.frame(0.0))
    finder.looks = False
    return analyzer, finder


def test_a_frame_is_wanted_for_a_score_for_a_place_and_at_the_start_of_an_epoch() -> None:
    analyzer, finder = idle()
    assert not analyzer.wants(builders.frame(0.1))
    assert analyzer.wants(builders.frame(0.25)), "its score is due"
    finder.looks = True
    assert analyzer.wants(builders.frame(0.1)), "its place is due"
    finder.looks = False
    assert analyzer.wants(builders.frame(0.0, epoch=1))


def test_what_takes_long_waits_for_a_score_that_is_due_soon() -> None:
    analyzer, finder = idle()
    for at_s, held in ((0.05, False), (0.2, True), (0.25, True)):
        analyzer.wants(builders.frame(at_s))
        assert finder.held[-1] is held
    step(analyzer, builders.frame(0.25))
    assert finder.held[-1] is True, "the look that scores"
    analyzer.wants(builders.frame(0.28))
    assert finder.held[-1] is False


def test_a_frame_with_errors_is_not_wanted_for_a_score() -> None:
    analyzer, _ = idle()
    assert not analyzer.wants(builders.frame(0.5, corrupt=True))


def test_the_finder_hears_of_every_frame_and_whether_others_wait() -> None:
    analyzer, finder = idle()
    analyzer.wants(builders.frame(0.25))
    analyzer.wants(builders.frame(0.3), busy=True)
    assert finder.asked == [(0.25, False), (0.3, True)]


def test_a_frame_that_is_not_looked_at_is_not_converted_and_reports_every_face() -> None:
    analyzer, _ = idle()

    def convert() -> Any:
        raise AssertionError("nobody needs the pixels")

    frame = builders.frame(0.1, convert=convert)
    analyzer.coast(frame)
    report = face(analyzer.absorb(frame, (), [], 0.11, None))
    assert (report.track_id, report.window.samples) == (1, 1)
    assert report.frame_probability_fake is None


def test_a_frame_with_errors_that_is_not_looked_at_says_so() -> None:
    analyzer, _ = idle()
    frame = builders.frame(0.1, corrupt=True)
    analyzer.coast(frame)
    report = face(analyzer.absorb(frame, (), [], 0.11, None))
    assert Reason.DECODE_ERRORS in report.window.reasons


# -- what is never scored -----------------------------------------------------------------------


def test_a_frame_decoded_with_errors_is_followed_but_never_scored() -> None:
    analyzer = make()
    frames = run(analyzer, [n / 2 for n in range(20)], corrupt=True)
    assert all(crops == () for crops, _ in frames)
    report = face(frames[-1][1])
    assert report.window.state is FaceState.UNDECIDED
    assert Reason.DECODE_ERRORS in report.window.reasons
    assert report.quality == Quality(0.0, (Reason.DECODE_ERRORS,))
    assert report.window.probability_fake is None


def test_a_face_is_due_at_once_on_the_first_clean_frame_after_corrupt_ones() -> None:
    analyzer = make()
    run(analyzer, [0.0, 0.3, 0.6], corrupt=True)
    crops, analysis = step(analyzer, builders.frame(0.61))
    assert len(crops) == 1
    assert Reason.DECODE_ERRORS not in face(analysis).window.reasons


def test_a_crop_of_no_quality_never_counts_and_says_why() -> None:
    frames = run(make([builders.track(box_px=BEYOND)]), [n / 4 for n in range(8)])
    assert all(crops == () for crops, _ in frames)
    report = face(frames[-1][1])
    assert (report.window.samples, report.window.probability_fake) == (0, None)
    assert report.quality.weight == 0.0
    assert Reason.OUT_OF_FRAME in report.window.reasons
    assert Reason.FEW_SAMPLES in report.window.reasons


def test_a_reason_is_named_once() -> None:
    frames = run(make([builders.track(box_px=BEYOND)]), [0.0, 0.3])
    reasons = face(frames[-1][1]).window.reasons
    assert len(reasons) == len(set(reasons))


@pytest.mark.parametrize("state", [TrackState.TENTATIVE, TrackState.LOST])
def test_only_confirmed_faces_are_scored_and_reported(state: TrackState) -> None:
    analyzer = make([builders.track(state=state)])
    crops, analysis = step(analyzer, builders.frame())
    assert (crops, analysis.faces, analyzer.tracks_seen) == ((), (), 0)


def test_a_face_that_has_just_gone_is_shown_for_a_moment_but_not_scored() -> None:
    gone = builders.track(state=TrackState.LOST, last_seen_s=0.2)
    analyzer = make([builders.track(last_seen_s=0.2)], [gone])
    seen, lately, long_ago = run(analyzer, [0.2, 0.48, 0.6])
    assert len(seen[0]) == 1
    assert lately[0] == (), "its score is due, but nobody knows what the crop would hold"
    assert face(lately[1]).track_id == 1
    assert long_ago[1].faces == ()


# -- what is said -------------------------------------------------------------------------------


def test_a_frame_probability_is_given_only_where_this_very_frame_was_scored() -> None:
    (_, scored), (_, between) = run(make(), [0.0, 0.1], logit=0.0)
    assert face(scored).frame_probability_fake == 0.5
    assert face(scored).heatmap is not None
    assert face(between).frame_probability_fake is None
    assert face(between).heatmap is None
    assert face(between).window.probability_fake == 0.5


def test_logits_are_calibrated_by_the_spec() -> None:
    analyzer = make(temperature=2.0, bias=1.0)
    _, analysis = step(analyzer, builders.frame(), logit=-2.0)
    assert face(analysis).frame_probability_fake == pytest.approx(0.5)
    assert face(analysis).window.probability_fake == pytest.approx(0.5)


def test_a_crops_quality_picks_its_calibration() -> None:
    levels = (CalibrationLevel(0.0, 4.0, 0.0), CalibrationLevel(0.9, 1.0, 0.0))
    small, large = builders.track(box_px=(60, 20, 160, 120)), builders.track()
    for track, logit in ((small, 0.5), (large, 2.0)):
        crops, analysis = step(make([track], levels=levels), builders.frame(), logit=2.0)
        assert (crops[0].quality.weight >= 0.9) is (track is large)
        told = face(analysis).frame_probability_fake
        assert told == pytest.approx(probability_of(logit))


@pytest.mark.parametrize(
    ("logit", "state"),
    [(-4.0, FaceState.NO_EVIDENCE), (0.8, FaceState.SUSPICIOUS), (4.0, FaceState.FAKE)],
)
def test_a_face_is_undecided_until_enough_samples_and_then_has_a_state(
    logit: float, state: FaceState
) -> None:
    frames = run(make(alarm=None), [n / 4 for n in range(6)], logit)
    states = [face(analysis).window.state for _, analysis in frames]
    assert states == [FaceState.UNDECIDED] * 3 + [state] * 3
    assert face(frames[0][1]).window.reasons == (Reason.FEW_SAMPLES,)
    assert face(frames[-1][1]).window.reasons == ()


def alarmed_s(frames: list[tuple[tuple[FaceCrop, ...], Analysis]]) -> list[float]:
    return [a.frame.media_time_s for _, a in frames if face(a).window.alarmed]


def test_a_swap_alarms_once_its_evidence_reaches_the_threshold_and_says_since_when() -> None:
    analyzer = make()
    run(analyzer, [n / 4 for n in range(40)], logit=-4.0)
    frames = run(analyzer, [10 + n / 4 for n in range(40)], logit=4.0)
    # 2.5 nats a second up to 4 + ln 10 are 2.52 s: the 11th crop after the last real one.
    assert alarmed_s(frames) == [12.5]
    last = face(frames[-1][1]).window
    assert (last.state, last.fake_since_s) == (FaceState.FAKE, 9.75)
    assert last.evidence_nats == pytest.approx(4.0 + math.log(10) + 3.0), "capped"


def test_fewer_wanted_false_alarms_need_more_evidence() -> None:
    def alarm_s(per_hour: float) -> float:
        options = ScoringOptions(false_alarms_per_hour=per_hour)
        return alarmed_s(run(make(options=options), [n / 4 for n in range(80)], logit=4.0))[0]

    # Each factor e is one more nat: 0.4 s.
    assert alarm_s(math.exp(-5)) - alarm_s(1.0) == pytest.approx(2.0)


def test_scoring_a_face_more_often_does_not_hasten_the_alarm() -> None:
    def alarm_s(fps: float) -> float:
        analyzer = make(options=ScoringOptions(target_fps=fps))
        return alarmed_s(run(analyzer, [n / 40 for n in range(400)], logit=4.0))[0]

    assert alarm_s(20.0) == pytest.approx(alarm_s(5.0), abs=0.2)


def test_a_real_face_that_follows_a_swap_is_cleared_in_seconds() -> None:
    analyzer = make()
    run(analyzer, [n / 4 for n in range(400)], logit=4.0)
    frames = run(analyzer, [100 + n / 4 for n in range(40)], logit=-4.0)
    states = [face(analysis).window.state for _, analysis in frames]
    assert states[0] is FaceState.FAKE
    assert states[24] is FaceState.NO_EVIDENCE
    assert all(face(a).window.fake_since_s is None for _, a in frames[24:])


def test_without_an_alarm_model_the_windows_probability_decides_and_that_is_said() -> None:
    analyzer = make(alarm=None)
    frames = run(analyzer, [n / 4 for n in range(6)], logit=4.0)
    assert alarmed_s(frames) == [0.75]
    last = face(frames[-1][1]).window
    assert (last.fake_since_s, last.evidence_nats) == (None, None)
    assert any("not calibrated" in text for text in analyzer.caveats)
    assert make().caveats == ()


def test_a_poor_picture_abstains_for_long_rather_than_alarming() -> None:
    tiny = builders.track(box_px=(60.0, 20.0, 125.0, 85.0))
    frames = run(make([tiny]), [n / 4 for n in range(240)], logit=8.0)
    reports = [face(analysis) for _, analysis in frames]
    assert 0 < reports[-1].quality.weight < ScoringOptions().min_quality
    assert {report.window.state for report in reports} == {FaceState.UNDECIDED}
    assert reports[-1].window.undecided_s == 59.75
    assert Reason.LONG_UNDECIDED in reports[-1].window.reasons
    assert Reason.LONG_UNDECIDED not in reports[100].window.reasons


def test_evidence_ages_while_frames_go_unscored() -> None:
    analyzer = make(options=ScoringOptions(target_fps=1.0))
    frames = run(analyzer, [0.0, 0.5], captured_at_s=None)
    assert face(frames[1][1]).window.newest_captured_at_s == 0.0


def test_the_window_says_from_when_to_when_it_reaches() -> None:
    frames = run(make(), [0.0, 0.25, 0.5])
    window = face(frames[-1][1]).window
    assert (window.start_s, window.end_s, window.samples) == (0.0, 0.5, 3)


def test_an_empty_window_starts_and_ends_now() -> None:
    frames = run(make([builders.track(box_px=BEYOND)]), [3.0])
    window = face(frames[0][1]).window
    assert (window.start_s, window.end_s) == (3.0, 3.0)


def test_the_window_forgets_by_media_time_while_a_face_goes_unscored() -> None:
    analyzer = make(options=ScoringOptions(window_s=2.0))
    run(analyzer, [0.0, 0.25, 0.5, 0.75], logit=4.0)
    (_, early), (_, late) = run(analyzer, [1.5, 2.8], corrupt=True)
    assert face(early).window.samples == 4
    assert face(late).window.samples == 0
    assert face(late).window.state is FaceState.UNDECIDED


def test_a_face_out_of_sight_keeps_its_evidence_until_it_is_forgotten() -> None:
    seen, lost = builders.track(), builders.track(state=TrackState.LOST)
    analyzer = make([seen], [lost], [seen], [], [seen], options=ScoringOptions(min_samples=1))
    reports = [
        {report.track_id: report.window.samples for report in analysis.faces}
        for _, analysis in run(analyzer, [0.0, 0.5, 1.0, 1.5, 2.0])
    ]
    assert reports == [{1: 1}, {}, {1: 2}, {}, {1: 1}]


def test_scores_that_never_came_leave_the_window_as_it_was() -> None:
    analyzer = make()
    frame = builders.frame()
    assert len(analyzer.observe(frame)) == 1
    report = face(analyzer.absorb(frame, (), [], 0.1, None))
    assert (report.window.samples, report.frame_probability_fake) == (0, None)


def test_a_score_for_each_crop_is_demanded() -> None:
    analyzer = make()
    frame = builders.frame()
    crops = analyzer.observe(frame)
    with pytest.raises(ValueError, match="zip"):
        analyzer.absorb(frame, crops, [], 0.1, 0.2)


def test_the_hops_are_stamped() -> None:
    frame = builders.frame(captured_at_s=10.0, decoded_at_s=10.02)
    _, analysis = step(make(), frame)
    hops = analysis.hops
    assert (hops.captured_at_s, hops.decoded_at_s) == (10.0, 10.02)
    assert (hops.faces_at_s, hops.scored_at_s) == (10.03, 10.04)


# -- epochs -------------------------------------------------------------------------------------


def test_a_window_never_spans_epochs() -> None:
    analyzer = make()
    before = run(analyzer, [n / 4 for n in range(20)], logit=4.0, epoch=0)
    assert face(before[-1][1]).window.state is FaceState.FAKE
    _, after = step(analyzer, builders.frame(0.0, seq=20, epoch=1), logit=-4.0)
    report = face(after)
    assert (report.window.samples, report.window.state) == (1, FaceState.UNDECIDED)
    assert (report.window.evidence_nats, report.window.fake_since_s) == (0.0, None)
    assert report.window.probability_fake is not None
    assert report.window.probability_fake < 0.1


def test_media_time_may_start_anew_with_an_epoch() -> None:
    analyzer = make()
    run(analyzer, [100.0], epoch=0)
    crops, _ = step(analyzer, builders.frame(0.0, seq=1, epoch=1))
    assert len(crops) == 1, "a face of a new epoch is due at once"


def test_the_finder_forgets_its_tracks_at_each_new_epoch_only() -> None:
    finder = ScriptedFinder([builders.track()])
    analyzer = Analyzer(finder, builders.detector_spec(), ScoringOptions())
    for epoch in (0, 0, 1, 1, 2):
        step(analyzer, builders.frame(epoch=epoch))
    assert finder.resets == 3


def test_faces_are_counted_once_and_over_all_epochs() -> None:
    analyzer = make(
        [builders.track(1)], [builders.track(1), builders.track(2)], [builders.track(3)]
    )
    for epoch in (0, 0, 1):
        step(analyzer, builders.frame(epoch=epoch))
    assert analyzer.tracks_seen == 3


def test_another_models_scores_are_no_evidence_beside_the_olds() -> None:
    analyzer = make()
    run(analyzer, [n / 4 for n in range(8)], logit=2.0)
    analyzer.succeed(builders.detector_spec(temperature=2.0, bias=1.0))
    frame = builders.frame(2.0)
    assert analyzer.wants(frame)
    _, analysis = step(analyzer, frame, logit=-2.0)
    report = face(analysis)
    assert report.window.samples == 1
    assert report.frame_probability_fake == pytest.approx(0.5)
    assert (report.track_id, analyzer.tracks_seen) == (1, 1)


def test_a_successor_with_an_uncalibrated_alarm_says_so() -> None:
    analyzer = make()
    analyzer.succeed(builders.detector_spec(alarm=None))
    assert analyzer.caveats == ()
    analyzer.wants(builders.frame())
    assert len(analyzer.caveats) == 1


def test_a_model_that_takes_other_crops_cannot_succeed() -> None:
    with pytest.raises(AssertionError, match="geometry"):
        make().succeed(builders.detector_spec(crop_scale=1.9))


def test_a_model_without_crop_geometry_is_no_face_detector() -> None:
    spec = replace(builders.detector_spec(), crop=None)
    with pytest.raises(ValueError, match="no crop geometry"):
        Analyzer(ScriptedFinder([]), spec, ScoringOptions())
