"""Session: one stream's life, over scripted parts: healing, epochs, drops, ends."""

from __future__ import annotations

import asyncio
import json
import logging
import struct
import threading
from functools import partial
from itertools import pairwise
from typing import Any

import pytest

from engines.errors import InferenceFailed
from stream.analyzer import NOT_CALIBRATED
from stream.clock import ManualClock
from stream.errors import SinkError, SourceError
from stream.latency import HOPS
from stream.messages import OverlayMessage
from stream.policy import Policy
from stream.scoring.options import ScoringOptions
from stream.types import FaceState, Reason
from tests import builders
from tests.doubles import (
    DEADLINE_S,
    ListSink,
    Rig,
    Script,
    SteeredClock,
    eventually,
    fails_with,
    pauses,
    plays,
    plays_on,
    rig,
    silent,
)

ONCE, FAST = Policy(once=True), Policy(once=True, fast=True)
THIRTY_FPS = tuple(n / 30 for n in range(90))


def lost(*, retryable: bool = True) -> SourceError:
    return SourceError("cam", "the connection broke", "look at the camera", retryable=retryable)


@pytest.fixture
def quick_healing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reconnects without the half second: how long pauses are is Backoff's own test."""
    monkeypatch.setattr("stream.backoff.FIRST_PAUSE_S", 0.01)


def fast(script: Script, policy: Policy = FAST, **how: Any) -> Any:
    return rig(script, policy, clock=ManualClock(), **how)


def check_order(messages: list[OverlayMessage]) -> None:
    """What holds for any stream: numbers grow by one, frames and media time only grow."""
    assert [message.seq for message in messages] == list(range(len(messages)))
    for before, after in pairwise(messages):
        assert before.frame_seq < after.frame_seq
        assert after.epoch - before.epoch in {0, 1}
        if after.epoch == before.epoch:
            assert before.media_time_s < after.media_time_s


# -- a file -------------------------------------------------------------------------------------


async def test_each_frame_of_a_file_gives_a_message_and_the_stream_ends() -> None:
    async with fast(Script(plays(0.0, 0.04, 0.08))) as one:
        messages = await one.run()
        assert one.session.source_state == "ended"
        assert one.session.error is None
    check_order(messages)
    assert [(m.frame_seq, m.epoch, m.media_time_s) for m in messages] == [
        (0, 0, 0.0), (1, 0, 0.04), (2, 0, 0.08),
    ]  # fmt: skip
    assert {message.stream_id for message in messages} == {"door"}


async def test_a_file_starts_anew_and_each_loop_is_an_epoch_of_its_own() -> None:
    options = ScoringOptions(min_samples=1)
    script = Script(plays(0.0, 0.3, 0.6))
    endless = fast(script, Policy(fast=True), options=options)
    async with endless as one, one.running() as messages:
        await eventually(lambda: len(messages) >= 9)
    check_order(messages)
    assert [message.epoch for message in messages[:9]] == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert [message.faces[0].samples for message in messages[:6]] == [1, 2, 3, 1, 2, 3]


async def test_read_without_pacing_nothing_is_lost_however_slow_the_analysis() -> None:
    async with fast(Script(plays(*THIRTY_FPS))) as one:
        messages = await one.run()
        summary = one.session.summary()
    assert [message.frame_seq for message in messages] == list(range(90))
    assert (summary["frames"], summary["dropped"]) == (90, 0)


async def test_read_without_pacing_two_runs_are_equal() -> None:
    runs = []
    for _ in range(2):
        async with fast(Script(plays(*THIRTY_FPS))) as one:
            messages = await one.run()
            lines = [message.to_json(heatmap=True) for message in messages]
            runs.append([*lines, json.dumps(one.session.summary())])
    assert runs[0] == runs[1]


async def test_read_without_pacing_time_is_media_time_from_the_unix_epoch() -> None:
    async with fast(Script(plays(0.0, 2.5))) as one:
        messages = await one.run()
    assert [m.captured_at for m in messages] == [
        "1970-01-01T00:00:00.000Z", "1970-01-01T00:00:02.500Z",
    ]  # fmt: skip


async def test_read_without_pacing_a_slow_sink_loses_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("stream.session.LINES_QUEUED", 4)

    class Slow(ListSink):
        async def consume(self, messages: Any) -> None:
            async for message in messages:
                await asyncio.sleep(0.01)
                self.messages.append(message)

    async with fast(Script(plays(*THIRTY_FPS))) as one:
        one.sink = Slow()
        messages = await one.run()
    assert len(messages) == 90
    assert one.total("messages_lost") == 0


async def test_read_without_pacing_a_stalled_viewer_holds_nobody_up() -> None:
    async with fast(Script(plays(*THIRTY_FPS))) as one:
        with one.session.subscribe("scores"):
            messages = await one.run()
    assert len(messages) == 90


# -- a camera -----------------------------------------------------------------------------------


async def test_while_the_model_is_busy_the_newest_frame_wins_and_drops_are_counted() -> None:
    async with rig(Script(plays_on(0.002), live=True)) as one, one.running() as messages:
        await eventually(lambda: len(messages) >= 2)
        one.engine.entered.clear()
        one.engine.gate.clear()
        await asyncio.to_thread(one.engine.entered.wait, DEADLINE_S)
        held_at = one.session.summary()["frames"]
        await eventually(lambda: one.session.summary()["frames"] >= held_at + 20)
        one.engine.gate.set()
        stuck = len(messages)
        await eventually(lambda: len(messages) >= stuck + 3)
    check_order(messages)
    summary = one.session.summary()
    assert summary["dropped"] >= 19
    assert summary["dropped"] == one.total("frames_dropped") == one.session.health().dropped
    assert summary["frames"] == one.total("frames")
    # Each decoded frame was shown, dropped, or still on its way when the stream was stopped.
    assert 0 <= summary["frames"] - summary["dropped"] - len(messages) <= 3
    gaps = [after.frame_seq - before.frame_seq for before, after in pairwise(messages)]
    assert max(gaps) >= 20


async def test_drops_of_all_epochs_are_added_up(quick_healing: None) -> None:
    burst = plays(*THIRTY_FPS)
    async with rig(Script(fails_with(lost(), after=burst), live=True)) as one:
        seen = []
        async with one.running() as messages:
            for epoch in range(3):
                await eventually(lambda: messages and messages[-1].epoch > epoch)  # noqa: B023
                seen.append(one.session.health().dropped)
    assert seen == sorted(seen)
    assert one.total("frames_dropped") == one.session.summary()["dropped"] >= seen[-1]


async def test_a_first_loss_is_healed_and_counted(quick_healing: None) -> None:
    script = Script(fails_with(lost(), after=plays(0.0, 0.1)), plays_on(), live=True)
    async with rig(script) as one, one.running() as messages:
        await eventually(lambda: messages and messages[-1].epoch == 1)
        assert one.session.source_state == "live"
        assert one.session.health().degraded == ()
    check_order(messages)
    assert one.total("reconnects") == 1


async def test_an_epoch_is_a_reconnect_and_not_an_attempt(quick_healing: None) -> None:
    failed = fails_with(lost())
    once = fails_with(lost(), after=plays(0.0, 0.1))
    script = Script(failed, failed, once, plays_on(), live=True)
    async with rig(script) as one, one.running() as messages:
        await eventually(lambda: messages and messages[-1].epoch == 1)
    assert messages[0].epoch == 0
    check_order(messages)


async def test_failed_attempts_between_two_connections_are_one_reconnect(
    quick_healing: None,
) -> None:
    failed = fails_with(lost())
    script = Script(fails_with(lost(), after=plays(0.0)), failed, failed, plays_on(), live=True)
    async with rig(script) as one, one.running() as messages:
        await eventually(lambda: len(messages) >= 3)
    assert messages[0].epoch == 0
    assert messages[-1].epoch == 1


async def test_after_a_reconnect_evidence_starts_anew(quick_healing: None) -> None:
    four, never = plays(0.0, 0.3, 0.6, 0.9), threading.Event()

    def slowly(emit: Any, stop: threading.Event) -> None:
        for media_time_s in (0.0, 0.3, 0.6, 0.9):
            plays(media_time_s)(emit, stop)
            never.wait(0.1)

    script = Script(fails_with(lost(), after=slowly), pauses(four, silent, until=never), live=True)
    async with rig(script) as one, one.running() as messages:
        await eventually(lambda: messages and messages[-1].epoch == 1)
    before = [m for m in messages if m.epoch == 0][-1]
    after = next(m for m in messages if m.epoch == 1)
    assert before.faces[0].samples >= 3
    assert after.faces[0].samples == 1
    assert after.faces[0].state is FaceState.UNDECIDED
    assert Reason.FEW_SAMPLES in after.faces[0].reasons


async def test_alarms_that_are_not_calibrated_are_told_while_there_are_verdicts() -> None:
    script = Script(fails_with(lost(), after=plays(0.0)), silent, live=True)
    async with rig(script, spec=builders.detector_spec(alarm=None)) as one, one.running() as seen:
        assert one.session.health().degraded == (), "nothing is said of a face yet"
        await eventually(lambda: one.total("reconnects") == 1)
        assert "the connection broke" in one.session.health().degraded[0]
        assert len(one.session.health().degraded) == 1
    assert seen[0].health.degraded == (NOT_CALIBRATED,)


async def test_while_it_reconnects_the_state_says_so_and_why() -> None:
    script = Script(fails_with(lost(), after=plays(0.0)), silent, live=True)
    async with rig(script) as one, one.running():
        await eventually(lambda: one.total("reconnects") == 1)
        assert one.session.source_state == "connecting"
        assert "the connection broke" in one.session.health().degraded[0]
        await eventually(lambda: script.attempts == 2)
        assert one.session.source_state == "connecting"


@pytest.mark.alone
async def test_a_lost_camera_is_tried_again_within_half_a_second() -> None:
    script = Script(fails_with(lost(), after=plays(0.0)), plays_on(), live=True)
    loop = asyncio.get_running_loop()
    async with rig(script) as one, one.running():
        await eventually(lambda: script.attempts == 1)
        await eventually(lambda: one.total("reconnects") == 1)
        lost_at_s = loop.time()
        await eventually(lambda: script.attempts == 2)
        assert loop.time() - lost_at_s < 3 * 0.5


async def test_a_camera_that_says_nothing_for_a_second_is_stalled() -> None:
    clock, more = SteeredClock(), threading.Event()
    script = Script(
        pauses(plays(0.0, clock=clock), plays(0.1, clock=clock), silent, until=more), live=True
    )
    async with rig(script, clock=clock) as one, one.running() as messages:
        await eventually(lambda: messages)
        states = []
        for _ in range(2):
            clock.at_s += 0.9
            states += [one.session.source_state, one.session.health().source_state]
        assert states == ["live", "live", "stalled", "stalled"]
        assert one.metrics.registry.get_sample_value(
            "deepfakestream_source_live", {"stream": "door"}
        ) == 0.0  # fmt: skip
        more.set()
        await eventually(lambda: len(messages) == 2)
        assert messages[1].health.source_state == "live"


async def test_a_file_is_never_stalled() -> None:
    clock = SteeredClock()
    script = Script(pauses(plays(0.0, clock=clock), silent, until=threading.Event()), live=False)
    async with rig(script, clock=clock) as one, one.running() as messages:
        await eventually(lambda: messages)
        clock.at_s += 10
        assert one.session.source_state == "live"


async def test_evidence_ages_while_a_camera_is_silent() -> None:
    clock = SteeredClock()

    def act(emit: Any, stop: threading.Event) -> None:
        plays(0.0, clock=clock)(emit, stop)
        silent(emit, stop)

    async with rig(Script(act, live=True), clock=clock) as one, one.running() as messages:
        await eventually(lambda: messages)
        clock.at_s += 2.5
        assert one.session.health().evidence_age_ms == pytest.approx(2500.0)
        assert one.metrics.registry.get_sample_value(
            "deepfakestream_evidence_age_seconds", {"stream": "door"}
        ) == pytest.approx(2.5)


# -- giving up ----------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", [Policy(), ONCE, Policy(patient=False)], ids=str)
async def test_a_first_refusal_that_waiting_cannot_mend_ends_the_stream(policy: Policy) -> None:
    script = Script(fails_with(lost(retryable=False)), live=True)
    async with rig(script, policy) as one:
        assert await one.run() == []
        assert one.session.error is not None
        assert one.session.error.retryable is False
    assert script.attempts == 1
    assert one.session.source_state == "ended"
    assert "the connection broke" in one.session.health().degraded[0]


async def test_the_same_refusal_from_a_camera_that_was_there_is_tried_again(
    quick_healing: None,
) -> None:
    refused = fails_with(lost(retryable=False))
    script = Script(fails_with(lost(), after=plays(0.0)), refused, refused, plays_on(), live=True)
    async with rig(script) as one, one.running() as messages:
        await eventually(lambda: len(messages) >= 2)
    assert script.attempts == 4
    assert one.session.error is None


async def test_a_source_that_cannot_be_reached_is_tried_for_ever_when_serving(
    quick_healing: None,
) -> None:
    clock = SteeredClock()

    def act(emit: Any, stop: threading.Event) -> None:
        clock.at_s += 5.0
        raise lost()

    script = Script(act, live=True)
    policy = Policy(patient=True, open_timeout_s=10.0)
    async with rig(script, policy, clock=clock) as one, one.running():
        await eventually(lambda: script.attempts >= 5)
        assert one.session.source_state == "connecting"


async def test_otherwise_it_is_given_up_after_the_open_timeout(quick_healing: None) -> None:
    clock = SteeredClock()

    def act(emit: Any, stop: threading.Event) -> None:
        clock.at_s += 4.0
        raise lost()

    script = Script(act, live=True)
    policy = Policy(once=True, patient=False, open_timeout_s=10.0)
    async with rig(script, policy, clock=clock) as one:
        assert await one.run() == []
        assert one.session.error is not None
        assert one.session.error.problem == "the connection broke"
    assert 3 <= script.attempts <= 4


async def test_a_camera_that_was_there_and_stays_away_ends_without_an_error(
    quick_healing: None, caplog: pytest.LogCaptureFixture
) -> None:
    clock = SteeredClock()
    caplog.set_level(logging.WARNING)

    def gone(emit: Any, stop: threading.Event) -> None:
        clock.at_s += 4.0
        raise lost()

    script = Script(fails_with(lost(), after=plays(0.0, clock=clock)), gone, live=True)
    policy = Policy(once=True, patient=False, open_timeout_s=10.0)
    async with rig(script, policy, clock=clock) as one:
        assert len(await one.run()) == 1
        assert one.session.error is None
    assert "the connection broke" in caplog.messages[-1]


# -- ends ---------------------------------------------------------------------------------------


async def test_stop_ends_the_stream_and_what_was_made_still_reaches_the_sink() -> None:
    gate = asyncio.Event()

    class Held(ListSink):
        async def consume(self, messages: Any) -> None:
            async for message in messages:
                await gate.wait()
                self.messages.append(message)

    async with rig(Script(plays_on(), live=True)) as one:
        one.sink = Held()
        running = asyncio.create_task(one.run())
        await eventually(lambda: one.total("messages") >= 5)
        one.session.stop()
        await eventually(lambda: one.session.source_state == "ended")
        gate.set()
        messages = await running
    assert len(messages) == one.total("messages") >= 5


async def test_stop_leaves_a_sink_behind_that_takes_nothing() -> None:
    class Stuck(ListSink):
        async def consume(self, messages: Any) -> None:
            async for _ in messages:
                await asyncio.Event().wait()

    async with rig(Script(plays_on(), live=True)) as one:
        one.sink = Stuck()
        running = asyncio.create_task(one.run())
        await eventually(lambda: one.total("messages") >= 2)
        one.session.stop()
        await asyncio.wait_for(running, 3.0)


async def test_stop_while_connecting_ends_at_once() -> None:
    script = Script(fails_with(lost()), live=True)
    async with rig(script) as one, one.running():
        await eventually(lambda: one.session.source_state == "connecting" and script.attempts)
    assert one.session.source_state == "ended"


async def test_a_session_that_was_stopped_before_it_ran_never_opens_its_source() -> None:
    script = Script(plays_on())
    async with rig(script) as one:
        one.session.stop()
        assert await one.run() == []
    assert script.attempts == 0


@pytest.mark.parametrize("stop", [True, False], ids=["stopped", "cancelled"])
async def test_afterwards_no_thread_or_task_is_left(stop: bool) -> None:
    async with rig(Script(plays_on(), live=True), stream_id="leftover") as one:
        running = asyncio.create_task(one.run())
        await eventually(lambda: len(one.sink.messages) >= 2)
        if stop:
            one.session.stop()
        else:
            running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert asyncio.all_tasks() == {asyncio.current_task()} | idle_tasks()
    await eventually(lambda: "source-leftover" not in {t.name for t in threading.enumerate()})


def idle_tasks() -> set[asyncio.Task[Any]]:
    """The test runner's own task."""
    return {task for task in asyncio.all_tasks() if "TestRunner" in repr(task.get_coro())}


async def test_at_the_end_viewers_get_what_is_left_and_their_end() -> None:
    async with fast(Script(plays(0.0, 0.1))) as one:
        with one.session.subscribe("scores") as viewer:
            await one.run()
            seen = [message async for message in viewer]
    assert [message.frame_seq for message in seen] == [0, 1]


async def test_a_source_left_behind_no_longer_counts() -> None:
    late = threading.Event()
    refused: list[bool] = []

    def hangs(emit: Any, stop: threading.Event) -> None:
        emit(builders.capture(0.0))
        late.wait(DEADLINE_S)
        refused.append(not emit(builders.capture(0.1)))

    async with rig(Script(hangs, live=True)) as one:
        running = asyncio.create_task(one.run())
        await eventually(lambda: len(one.sink.messages) == 1)
        one.session.stop()
        await asyncio.wait_for(running, DEADLINE_S)
        late.set()
        await eventually(lambda: refused)
        assert refused == [True]
        assert one.session.summary()["frames"] == one.total("frames") == 1


async def test_a_sink_that_fails_ends_the_stream_with_its_error() -> None:
    class Full(ListSink):
        async def consume(self, messages: Any) -> None:
            async for _ in messages:
                raise SinkError("out.jsonl", "the disk is full")

    async with rig(Script(plays_on(), live=True)) as one:
        one.sink = Full()
        with pytest.raises(ExceptionGroup) as caught:
            await one.run()
    assert caught.group_contains(SinkError, match="disk is full")
    assert one.session.source_state == "ended"


async def test_a_sink_that_stands_still_never_slows_a_live_stream() -> None:
    class Stuck(ListSink):
        async def consume(self, messages: Any) -> None:
            async for _ in messages:
                await asyncio.Event().wait()

    async with rig(Script(plays_on(0.001), live=True)) as one:
        one.sink = Stuck()
        running = asyncio.create_task(one.run())
        await eventually(lambda: one.total("messages") >= 20)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


# -- faults of the engine -----------------------------------------------------------------------


async def test_a_batch_that_fails_costs_its_scores_only_and_is_told() -> None:
    async with fast(Script(plays(0.0, 0.3, 0.6))) as one:
        one.engine.fails = [InferenceFailed("detector", "out of memory")]
        messages = await one.run()
    assert len(messages) == 3
    assert messages[0].faces[0].frame_probability_fake is None
    assert "out of memory" in messages[0].health.degraded[0]
    assert messages[1].faces[0].frame_probability_fake is not None
    assert messages[1].health.degraded == ()
    assert one.total("faults") == 1


async def test_a_frame_whose_faces_cannot_be_found_is_left_out_and_told() -> None:
    async with fast(Script(plays(0.0, 0.3, 0.6))) as one:
        one.finder.fails = [InferenceFailed("pnet", "out of memory")]
        messages = await one.run()
    assert [message.frame_seq for message in messages] == [1, 2]
    assert one.total("faults") == 1


async def test_frames_decoded_with_errors_are_never_scored() -> None:
    async with fast(Script(plays(*THIRTY_FPS, corrupt=True))) as one:
        messages = await one.run()
    assert one.engine.batches == []
    assert one.total("frames_corrupt") == 90
    assert all(Reason.DECODE_ERRORS in message.faces[0].reasons for message in messages)


# -- what others ask ----------------------------------------------------------------------------


async def test_before_the_first_frame_it_is_connecting_and_knows_nothing() -> None:
    async with rig(Script(silent, live=True)) as one:
        health = one.session.health()
    assert health.source_state == "connecting"
    assert (health.evidence_age_ms, health.fps_in, health.dropped) == (None, 0.0, 0)
    assert (health.engine, health.device) == ("onnxruntime", "cpu")


async def test_while_frames_come_it_is_live_and_says_what_decodes() -> None:
    async with rig(Script(plays_on(), live=True)) as one, one.running() as messages:
        await eventually(lambda: len(messages) >= 5)
        assert messages[-1].health.source_state == "live"
        assert messages[-1].health.decoder == "scripted"
        assert messages[-1].health.fps_in > 0


async def test_the_summary_is_the_contracts() -> None:
    async with fast(Script(plays(0.0, 0.1, 0.3))) as one:
        await one.run()
        summary = one.session.summary()
    assert summary.keys() == {"frames", "dropped", "tracks", "latency_ms"}
    assert (summary["frames"], summary["dropped"], summary["tracks"]) == (3, 0, 1)
    assert set(summary["latency_ms"]) == set(HOPS)
    for hop in summary["latency_ms"].values():
        assert hop.keys() == {"p50", "p95", "p99", "count"}
    counts = {hop: values["count"] for hop, values in summary["latency_ms"].items()}
    assert counts == {"decoded": 3, "faces": 3, "scored": 2, "sent": 3}


async def test_a_message_counts_as_sent_when_its_viewer_has_it() -> None:
    clock = SteeredClock()
    script = Script(pauses(plays(0.0, clock=clock), silent, until=threading.Event()), live=True)
    async with rig(script, clock=clock) as one:
        with one.session.subscribe("scores") as viewer:
            running = asyncio.create_task(one.session.run())
            message = await asyncio.wait_for(anext(viewer), DEADLINE_S)
            assert one.session.summary()["latency_ms"]["sent"]["count"] == 0
            clock.at_s += 0.25
            one.session.sent(message)
            assert one.session.summary()["latency_ms"]["sent"]["p50"] == pytest.approx(250.0)
            one.session.stop()
            await running


async def test_without_a_viewer_a_message_counts_as_sent_at_once() -> None:
    async with fast(Script(plays(0.0, 0.1))) as one:
        await one.session.run()
        assert one.session.summary()["latency_ms"]["sent"]["count"] == 2


async def test_clients_and_what_they_miss_are_counted() -> None:
    def clients(one: Rig) -> float | None:
        labels = {"stream": "door", "channel": "scores"}
        return one.metrics.registry.get_sample_value("deepfakestream_clients", labels)

    async with rig(Script(plays_on(0.001), live=True)) as one, one.running() as messages:
        with one.session.subscribe("scores", size=2):
            assert clients(one) == 1
            seen = len(messages)
            await eventually(lambda: len(messages) >= seen + 8)
            assert one.total("messages_lost") >= 5, "told at once, not when the client leaves"
        assert clients(one) == 0


async def test_a_picture_and_its_message_bear_the_same_frame_number() -> None:
    async with rig(Script(plays_on(0.05), live=True)) as one, one.running() as messages:
        with one.session.preview.pictures.subscribe(2) as pictures:
            picture = await asyncio.wait_for(anext(pictures), DEADLINE_S)
        seq, media_us = struct.unpack(">QQ", picture[:16])
        await eventually(lambda: messages[-1].frame_seq >= seq)
    message = next(message for message in messages if message.frame_seq == seq)
    assert media_us == pytest.approx(message.media_time_s * 1e6, abs=1)


async def test_a_picture_is_converted_once_and_only_if_it_is_looked_at() -> None:
    converted: list[int] = []

    def capture(number: int) -> Any:
        def convert() -> Any:
            converted.append(number)
            return builders.textured()

        return builders.capture(number / 100, convert=convert)

    def act(emit: Any, stop: threading.Event) -> None:
        for number in range(200):
            emit(capture(number))

    async with rig(Script(act), ONCE) as one:
        messages = await one.run()
    assert len(converted) == len(set(converted)) == len(messages) < 200


async def test_each_frame_has_its_message_and_most_are_not_converted() -> None:
    converted: list[float] = []

    def act(emit: Any, stop: threading.Event) -> None:
        for number in range(90):
            emit(builders.capture(number / 30, convert=partial(convert, number / 30)))

    def convert(at_s: float) -> Any:
        converted.append(at_s)
        return builders.textured()

    async with fast(Script(act)) as one:
        one.finder.looks = False
        messages = await one.run()
    assert [message.frame_seq for message in messages] == list(range(90))
    assert {message.faces[0].track_id for message in messages} == {1}
    scored = [m.media_time_s for m in messages if m.faces[0].frame_probability_fake is not None]
    assert converted == pytest.approx(scored, abs=1e-3), "only for scores: four a second"
    assert len(converted) == pytest.approx(12, abs=1)


async def test_while_others_wait_for_the_networks_the_finder_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("stream.scheduler.Scheduler.busy", True)
    async with rig(Script(plays(0.0, 0.1)), ONCE) as live, fast(Script(plays(0.0, 0.1))) as file:
        await live.run()
        await file.run()
    assert {busy for _, busy in live.finder.asked} <= {True}
    assert {busy for _, busy in file.finder.asked} == {False}, "two runs give the same"
