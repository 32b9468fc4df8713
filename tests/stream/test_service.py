"""Service: every stream of one process, over scripted sources and scripted networks."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from pydantic import SecretStr

import stream.service
from engines.canary import canary_numbers, canary_picture
from stream.config import Config, EngineConfig, RunConfig, StreamConfig
from stream.errors import ConfigError, SinkError, SourceError
from stream.networks import Networks
from stream.service import Service
from stream.sources.base import SourceOptions
from tests.doubles import (
    DEADLINE_S,
    Act,
    ScriptedNetworks,
    ScriptedSource,
    eventually,
    fails_with,
    plays,
    plays_on,
)

Opened = Callable[[str, SourceOptions, tuple[str, ...]], ScriptedSource]


def missing(name: str) -> SourceError:
    return SourceError(name, "there is no such file", "check the path", retryable=False)


@pytest.fixture
def sources(monkeypatch: pytest.MonkeyPatch) -> dict[str, Act]:
    """What each SOURCE does; the tests fill it."""
    acts: dict[str, Act] = {}

    def open_one(text: str, options: SourceOptions, schemes: tuple[str, ...]) -> ScriptedSource:
        return ScriptedSource(acts[text], live=text.startswith("rtsp"))

    monkeypatch.setattr(stream.service, "open_source", open_one)
    return acts


def config(*names: str, **run: Any) -> Config:
    streams = tuple(
        StreamConfig(id=name.rpartition("/")[2], source=SecretStr(name)) for name in names
    )
    return Config(streams=streams, run=RunConfig(**{"serve": False, "once": True, **run}))


@asynccontextmanager
async def service(wanted: Config) -> AsyncIterator[Service]:
    async with Service(wanted, cast(Networks, ScriptedNetworks())) as made:
        yield made


async def run(made: Service) -> None:
    await asyncio.wait_for(made.run(), DEADLINE_S)


async def test_every_stream_is_played_to_its_end_and_summed_up(sources: dict[str, Act]) -> None:
    sources |= {"door": plays(0.0, 0.1), "yard": plays(0.0, 0.1, 0.2)}
    async with service(config("door", "yard", fast=True)) as made:
        await run(made)
        frames = {key: item["frames"] for key, item in made.summary()["streams"].items()}
    assert frames == {"door": 2, "yard": 3}


async def test_it_is_ready_from_the_start_of_running_until_it_is_stopped(
    sources: dict[str, Act],
) -> None:
    sources["door"] = plays_on()
    async with service(config("door")) as made:
        assert not made.ready
        running = asyncio.create_task(made.run())
        await eventually(lambda: made.ready)
        made.stop()
        assert not made.ready
        await asyncio.wait_for(running, DEADLINE_S)


async def test_stopping_before_it_runs_leaves_at_once(sources: dict[str, Act]) -> None:
    sources["door"] = plays_on()
    async with service(config("door")) as made:
        made.stop()
        await run(made)


async def test_one_source_that_cannot_run_is_told_and_the_others_go_on(
    sources: dict[str, Act], caplog: pytest.LogCaptureFixture
) -> None:
    sources |= {"door": plays(0.0), "yard": fails_with(missing("yard"))}
    caplog.set_level(logging.ERROR)
    async with service(config("door", "yard", fast=True)) as made:
        await run(made)
    assert caplog.messages == ["yard: source yard: there is no such file; check the path"]


async def test_when_no_source_can_run_the_first_ones_error_is_raised(
    sources: dict[str, Act],
) -> None:
    sources |= {name: fails_with(missing(name)) for name in ("door", "yard")}
    async with service(config("door", "yard")) as made:
        with pytest.raises(SourceError) as caught:
            await run(made)
    assert caught.value.source == "door"


async def test_messages_and_the_summary_go_to_the_file_that_was_named(
    sources: dict[str, Act], tmp_path: Path
) -> None:
    sources |= {"door": plays(0.0, 0.1), "yard": plays(0.0)}
    file = tmp_path / "out.jsonl"
    async with service(config("door", "yard", fast=True, jsonl=str(file))) as made:
        await run(made)
    *messages, last = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    assert sorted(message["stream_id"] for message in messages) == ["door", "door", "yard"]
    assert last == {"summary": json.loads(json.dumps(made.summary()))}


async def test_the_summary_is_written_even_when_no_source_could_run(
    sources: dict[str, Act], tmp_path: Path
) -> None:
    sources["door"] = fails_with(missing("door"))
    file = tmp_path / "out.jsonl"
    async with service(config("door", jsonl=str(file))) as made:
        with pytest.raises(SourceError):
            await run(made)
    assert json.loads(file.read_text("utf-8"))["summary"]["streams"]["door"]["frames"] == 0


async def test_an_output_that_fails_ends_all_streams_with_its_own_error(
    sources: dict[str, Act],
) -> None:
    sources |= {"door": plays_on(), "yard": plays_on()}
    async with service(config("door", "yard", jsonl="/dev/full")) as made:
        with pytest.raises(SinkError, match="No space left"):
            await run(made)


async def test_a_fault_in_one_stream_is_logged_and_ends_no_other(
    sources: dict[str, Act], caplog: pytest.LogCaptureFixture
) -> None:
    sources |= {"door": fails_with(ZeroDivisionError("a bug")), "yard": plays(0.0, 0.1, 0.2)}
    async with service(config("door", "yard")) as made:
        await run(made)
        assert made.summary()["streams"]["yard"]["frames"] == 3
        assert made.sessions["door"].health().degraded == ("a fault in the program",)
    assert "ZeroDivisionError: a bug" in caplog.text


async def test_when_every_stream_has_a_fault_no_source_can_run(sources: dict[str, Act]) -> None:
    sources["door"] = fails_with(ZeroDivisionError("a bug"))
    async with service(config("door")) as made:
        with pytest.raises(SourceError, match="a fault in the program"):
            await run(made)


async def test_a_live_source_cannot_be_rushed_and_no_password_is_shown(
    sources: dict[str, Act],
) -> None:
    address = "rtsp://me:hunter2-and-more@cam/1"
    sources[address] = plays_on()
    with pytest.raises(ConfigError, match="is live") as caught:
        async with service(config(address, fast=True)):
            pass
    assert "hunter2" not in str(caught.value)


async def test_a_streams_address_has_its_secrets_masked(sources: dict[str, Act]) -> None:
    address = "rtsp://me:hunter2-and-more@cam/1"
    sources[address] = plays_on()
    async with service(config(address)) as made:
        (session,) = made.sessions.values()
    assert "hunter2" not in session.identity.address
    assert "cam/1" in session.identity.address


async def test_the_engine_in_use_is_in_the_metrics(sources: dict[str, Act]) -> None:
    async with service(config()) as made:
        assert b'provider="Scripted"' in made.metrics.text()


async def test_afterwards_its_threads_have_ended(sources: dict[str, Act]) -> None:
    sources["door"] = plays(0.0)
    before = threading.active_count()
    async with service(config("door", fast=True)) as made:
        with made.sessions["door"].subscribe_pictures(2):
            await run(made)
    await eventually(lambda: threading.active_count() <= before + 1)  # asyncio's own


# -- guests -------------------------------------------------------------------------------------


async def test_a_guest_lives_beside_the_configured_streams_and_leaves_nothing_behind() -> None:
    async with service(config()) as made:
        async with made.guest(
            "cam", "webrtc:cam", lambda: ScriptedSource(plays_on(), live=True)
        ) as one:
            living = asyncio.create_task(made.live(one))
            await eventually(lambda: one.last is not None)
            assert made.sessions == {"cam": one}
            assert b'stream="cam"' in made.metrics.text()
        await asyncio.wait_for(living, DEADLINE_S)
        assert made.sessions == {}
        assert b'stream="cam"' not in made.metrics.text()


async def test_a_guest_ends_with_its_source_and_is_not_tried_again() -> None:
    attempts = []

    def open_one() -> ScriptedSource:
        attempts.append(1)
        error = SourceError("webrtc:cam", "it is too large", "send less", retryable=False)
        return ScriptedSource(fails_with(error, after=plays(0.0, 0.1)), live=True)

    async with service(config()) as made, made.guest("cam", "webrtc:cam", open_one) as one:
        await asyncio.wait_for(made.live(one), DEADLINE_S)
    assert len(attempts) == 1


async def test_a_guest_is_written_to_no_output(tmp_path: Path, sources: dict[str, Act]) -> None:
    sources["clip"] = plays(0.0, 0.1)
    target = tmp_path / "out.jsonl"
    async with service(config("clip", jsonl=str(target))) as made:
        source = ScriptedSource(plays(0.0, 0.1), live=True)
        async with made.guest("cam", "webrtc:cam", lambda: source) as one:
            await asyncio.wait_for(made.live(one), DEADLINE_S)
            assert one.last is not None
        await run(made)
    said = target.read_text(encoding="utf-8")
    assert "clip" in said
    assert "cam" not in said


# -- the engines --------------------------------------------------------------------------------


async def test_the_box_and_its_troubles_are_in_the_metrics(sources: dict[str, Act]) -> None:
    async with service(config()) as made:
        text = made.metrics.text().decode()
        for line in ("deepfakestream_admitted_load 0.0", "deepfakestream_degraded 0.0"):
            assert line in text
        for name in ("cpu_seconds_total", "resident_memory_bytes", "open_fds", "max_fds"):
            assert f"process_{name} " in text
        made.scheduler.tell("canary", "it is not well")
        assert "deepfakestream_degraded 1.0" in made.metrics.text().decode()


async def test_what_is_wrong_with_the_engines_degrades_every_stream(
    sources: dict[str, Act],
) -> None:
    async with service(config("door", "yard")) as made:
        made.scheduler.tell("canary", "it is not well")
        assert {session.health().degraded for session in made.sessions.values()} == {
            ("it is not well",)
        }


async def test_networks_are_renewed_while_streams_run(
    sources: dict[str, Act], monkeypatch: pytest.MonkeyPatch
) -> None:
    heir = ScriptedNetworks()
    heir.engine_name = "openvino"
    numbers = canary_numbers(heir.detector.infer(canary_picture(heir.detector.spec)))
    heir.detector.spec = replace(heir.detector.spec, canary=numbers, sha256="new")
    monkeypatch.setattr(stream.service, "open_networks", lambda *_, **__: (heir,))
    sources["door"] = plays_on()
    async with service(config("door")) as made:
        running = asyncio.create_task(made.run())
        await eventually(lambda: made.sessions["door"].last is not None)
        made.renew()
        await eventually(lambda: made.detector_spec.sha256 == "new")
        assert made.sessions["door"].health().engine == "openvino"
        assert b'engine="openvino"' in made.metrics.text()
        assert b'engine="onnxruntime"' not in made.metrics.text()
        made.stop()
        await asyncio.wait_for(running, DEADLINE_S)
    assert heir.detector.closed


async def test_where_another_engine_stands_in_the_one_that_was_asked_for_is_built(
    sources: dict[str, Act],
) -> None:
    wanted = config("door").model_copy(update={"engine": EngineConfig(name="tensorrt-rtx")})
    async with service(wanted) as made:
        assert made.sessions["door"].health().degraded == (
            "tensorrt-rtx is being built; onnxruntime serves meanwhile",
        )
