"""Journal: rates, latencies, evidence age and losses of one stream."""

from __future__ import annotations

import pytest

from stream.clock import ManualClock
from stream.journal import UNSENT, Journal, alarm_line
from stream.messages import OverlayMessage, overlay_message
from stream.metrics import Metrics
from stream.types import Analysis, FaceState
from tests import builders


class Desk:
    """A journal, its clock, and the metrics that it feeds."""

    def __init__(self) -> None:
        self.clock = ManualClock(100.0)
        self.metrics = Metrics()
        self.journal = Journal(self.metrics.stream("door"), self.clock)

    def total(self, name: str) -> float | None:
        return self.metrics.registry.get_sample_value(
            f"deepfakestream_{name}_total", {"stream": "door"}
        )

    def message(self, seq: int) -> OverlayMessage:
        return overlay_message(builders.analysis(), seq, builders.health(), self.clock, 0.0)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def seen(
    captured_at_s: float,
    *newest_s: float | None,
    seq: int = 0,
    scored_at_s: float | None = None,
    corrupt: bool = False,
) -> Analysis:
    frame = builders.frame(
        captured_at_s=captured_at_s,
        decoded_at_s=captured_at_s + 0.02,
        seq=seq,
        corrupt=corrupt,
    )
    faces = [builders.report(key, newest_captured_at_s=at) for key, at in enumerate(newest_s)]
    at_s = captured_at_s + 0.03
    return builders.analysis(*faces, on=frame, faces_at_s=at_s, scored_at_s=scored_at_s)


def test_each_hop_counts_from_capture(desk: Desk) -> None:
    desk.journal.analysed(seen(100.0, 100.0, scored_at_s=100.05), 1)
    latencies = desk.journal.latencies()
    assert latencies["decoded"]["p50"] == pytest.approx(20.0)
    assert latencies["faces"]["p50"] == pytest.approx(30.0)
    assert latencies["scored"]["p50"] == pytest.approx(50.0)
    assert latencies["sent"]["count"] == 0


def test_a_frame_that_was_not_scored_has_no_scored_hop(desk: Desk) -> None:
    desk.journal.analysed(seen(100.0), 0)
    assert desk.journal.latencies()["scored"]["count"] == 0
    assert desk.total("faces_scored") == 0


def test_scored_faces_are_counted(desk: Desk) -> None:
    desk.journal.analysed(seen(100.0, 100.0, 100.0, scored_at_s=100.1), 2)
    assert desk.total("faces_scored") == 2


def test_frames_decoded_with_errors_are_counted(desk: Desk) -> None:
    desk.journal.analysed(seen(100.0, corrupt=True), 0)
    assert desk.total("frames_corrupt") == 1


def test_evidence_age_is_that_of_the_face_with_the_oldest_evidence(desk: Desk) -> None:
    desk.journal.analysed(seen(100.0, 99.5, 98.0, None), 1)
    assert desk.journal.evidence_age_s() == pytest.approx(2.0)


def test_evidence_ages_while_nothing_happens(desk: Desk) -> None:
    desk.journal.analysed(seen(100.0, 100.0), 1)
    desk.clock.advance(3.0)
    assert desk.journal.evidence_age_s() == pytest.approx(3.0)


@pytest.mark.parametrize("faces", [(), (None,)])
def test_without_a_scored_face_there_is_no_evidence_age(
    desk: Desk, faces: tuple[float | None, ...]
) -> None:
    assert desk.journal.evidence_age_s() is None
    desk.journal.analysed(seen(100.0, 99.0), 1)
    desk.journal.analysed(seen(100.1, *faces), 0)
    assert desk.journal.evidence_age_s() is None


def test_a_message_is_sent_when_it_first_leaves(desk: Desk) -> None:
    first = desk.message(0)
    desk.journal.made(first, 100.0)
    desk.clock.set(100.04)
    desk.journal.sent(first)
    desk.clock.set(100.5)
    desk.journal.sent(first)
    sent = desk.journal.latencies()["sent"]
    assert (sent["p50"], sent["count"]) == (pytest.approx(40.0), 1)


def test_a_message_that_nobody_took_is_no_sample(desk: Desk) -> None:
    messages = [desk.message(seq) for seq in range(3)]
    for message in messages:
        desk.journal.made(message, 100.0)
    desk.clock.set(100.2)
    desk.journal.sent(messages[2])
    desk.journal.sent(messages[0])
    assert desk.journal.latencies()["sent"]["count"] == 1
    assert desk.total("messages") == 3


def test_messages_that_are_never_sent_do_not_pile_up(desk: Desk) -> None:
    for seq in range(UNSENT + 10):
        desk.journal.made(desk.message(seq), 100.0)
    desk.journal.sent(desk.message(5))
    assert desk.journal.latencies()["sent"]["count"] == 0


def test_drops_are_a_running_total(desk: Desk) -> None:
    for total in (0, 3, 3, 10):
        desk.journal.drops(total)
    assert desk.journal.dropped == 10
    assert desk.total("frames_dropped") == 10


def test_losses_of_slow_clients_are_a_running_total(desk: Desk) -> None:
    for total in (0, 2, 2, 5):
        desk.journal.lost(total)
    assert desk.total("messages_lost") == 5


def test_rates_start_anew_with_a_connection(desk: Desk) -> None:
    for index in range(4):
        desk.journal.analysed(seen(100.0 + index / 10, seq=index), 0)
    assert desk.journal.rates()[0] == pytest.approx(10.0)
    desk.journal.restart()
    assert desk.journal.rates() == (0.0, 0.0)


def test_each_alarm_is_counted_and_said_once_with_its_media_times(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    fake = {"state": FaceState.FAKE, "fake_since_s": 12.31, "end_s": 15.04}
    for alarmed in (False, True, False):
        face = builders.report(3, alarmed=alarmed, **fake)
        desk.journal.analysed(builders.analysis(face), 1)
    assert desk.total("alarms") == 1
    assert caplog.messages == ["door: track 3: swap since 12.3 s (alarm at 15.0 s)"]


def test_an_alarm_without_a_known_beginning_says_only_when_it_was_raised() -> None:
    window = builders.window_score(track_id=3, end_s=15.0, state=FaceState.FAKE, alarmed=True)
    assert alarm_line("door", window) == "door: track 3: swap suspected (alarm at 15.0 s)"
