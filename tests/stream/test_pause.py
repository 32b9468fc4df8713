"""A session that is paused: its source is closed, its viewers stay, and what comes is an epoch."""

from __future__ import annotations

import asyncio
import math

import pytest

from stream.errors import SourceError
from stream.policy import Policy
from tests.doubles import Rig, Script, eventually, fails_with, plays, plays_on, rig, silent


def evidence_age_s(one: Rig) -> float:
    value = one.metrics.registry.get_sample_value(
        "deepfakestream_evidence_age_seconds", {"stream": "door"}
    )
    assert value is not None
    return value


async def test_a_pause_closes_the_source_and_says_so() -> None:
    script = Script(plays_on(), live=True)
    async with rig(script) as one, one.running() as messages:
        await eventually(lambda: messages)
        one.session.pause()
        assert one.session.source_state == "paused"
        await eventually(lambda: math.isnan(evidence_age_s(one)))
        seen = len(messages)
        await asyncio.sleep(0.05)
        assert len(messages) == seen
        health = one.session.health()
        assert (health.source_state, health.degraded, health.evidence_age_ms) == (
            "paused",
            (),
            None,
        )
    assert script.attempts == 1


async def test_what_comes_after_a_pause_is_another_epoch_for_the_same_viewers() -> None:
    script = Script(plays_on(), live=True)
    async with rig(script) as one, one.running() as messages:
        await eventually(lambda: messages)
        one.session.pause()
        one.session.resume()
        await eventually(lambda: messages[-1].epoch == 1)
        assert [message.seq for message in messages] == list(range(len(messages)))
        assert one.session.source_state == "live"
        assert one.total("reconnects") == 0


async def test_a_pause_while_it_reconnects_ends_the_attempts() -> None:
    error = SourceError("rtsp://cam", "refused", "check it", retryable=True)
    script = Script(fails_with(error), plays_on(), live=True)
    async with rig(script) as one, one.running() as messages:
        await eventually(lambda: one.total("reconnects") == 1)
        one.session.pause()
        await asyncio.sleep(0.6)  # longer than the first pause between two attempts
        assert (script.attempts, one.session.health().degraded) == (1, ())
        one.session.resume()
        await eventually(lambda: messages)


@pytest.mark.parametrize("silent_source", [True, False])
async def test_a_paused_stream_can_be_stopped(silent_source: bool) -> None:
    script = Script(silent if silent_source else plays_on(), live=True)
    async with rig(script) as one, one.running():
        await eventually(lambda: script.attempts == 1)
        one.session.pause()
    assert one.session.source_state == "ended"


async def test_a_stream_that_is_paused_before_it_runs_opens_nothing_until_it_resumes() -> None:
    script = Script(plays(0.0, 0.1))
    async with rig(script, Policy(once=True)) as one:
        one.session.pause()
        running = asyncio.create_task(one.run())
        await asyncio.sleep(0.02)
        assert script.attempts == 0
        one.session.resume()
        assert {message.epoch for message in await running} == {0}


async def test_a_file_played_once_that_is_paused_starts_anew_instead_of_ending() -> None:
    script = Script(plays_on(media_step_s=0.1), plays(0.0))
    async with rig(script, Policy(once=True)) as one, one.running() as messages:
        await eventually(lambda: messages)
        one.session.pause()
        one.session.resume()
        await eventually(lambda: one.session.source_state == "ended")
    assert messages[-1].epoch == 1
