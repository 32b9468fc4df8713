"""What every sink must do: be slow, raise, be cancelled, and never hold anybody up.

A new sink adds a line to `TARGETS`: how to make a target of it, and how to read what arrived.
"""

from __future__ import annotations

import asyncio
import json
import os
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from stream.clock import ManualClock
from stream.errors import SinkError
from stream.messages import OverlayMessage, overlay_message
from stream.sinks import SINKS, open_sink
from tests import builders
from tests.doubles import DEADLINE_S

SUMMARY: Final = {"streams": {"door": {"frames": 3}}}


@dataclass(frozen=True)
class Target:
    """Where a sink of `name` writes in a test."""

    name: str
    make: Callable[[Path], str]
    read: Callable[[Path], list[Any]]
    refused: tuple[str, ...]
    """Targets that cannot be opened."""
    full: str
    """A target that opens but takes nothing."""


def lines(folder: Path) -> list[Any]:
    text = (folder / "out.jsonl").read_text(encoding="utf-8")
    assert not text or text.endswith("\n")
    return [json.loads(line) for line in text.splitlines()]


TARGETS: Final = {
    "jsonl": Target(
        "jsonl",
        make=lambda folder: str(folder / "out.jsonl"),
        read=lines,
        refused=("/absent-folder/out.jsonl", "/"),
        full="/dev/full",
    ),
}


@pytest.fixture(params=sorted(SINKS))
def target(request: pytest.FixtureRequest) -> Target:
    return TARGETS[request.param]


def message(seq: int, stream_id: str = "door") -> OverlayMessage:
    seen = builders.analysis(builders.report(), on=builders.frame(seq / 30, stream_id=stream_id))
    return overlay_message(seen, seq, builders.health(), ManualClock(), 0.0)


async def stream(count: int, stream_id: str = "door") -> AsyncIterator[OverlayMessage]:
    for seq in range(count):
        yield message(seq, stream_id)


async def endless(began: asyncio.Event | None = None) -> AsyncIterator[OverlayMessage]:
    seq = 0
    while True:
        yield message(seq)
        seq += 1
        if began and seq > 3:
            began.set()
            await asyncio.Event().wait()


async def test_every_message_arrives_in_order_and_the_summary_is_last(
    target: Target, tmp_path: Path
) -> None:
    sink = open_sink(target.name, target.make(tmp_path))
    await sink.consume(stream(3))
    await sink.close(SUMMARY)
    *messages, last = target.read(tmp_path)
    assert messages == [json.loads(message(seq).to_json()) for seq in range(3)]
    assert last == {"summary": SUMMARY}


async def test_what_was_consumed_is_there_before_the_sink_is_closed(
    target: Target, tmp_path: Path
) -> None:
    sink = open_sink(target.name, target.make(tmp_path))
    await sink.consume(stream(2))
    assert len(target.read(tmp_path)) == 2
    await sink.close(SUMMARY)


async def test_several_streams_may_be_consumed_at_once_without_mixing_messages(
    target: Target, tmp_path: Path
) -> None:
    sink = open_sink(target.name, target.make(tmp_path))
    async with asyncio.TaskGroup() as group:
        for name in ("door", "yard", "hall"):
            group.create_task(sink.consume(stream(50, name)))
    await sink.close(SUMMARY)
    *messages, _ = target.read(tmp_path)
    assert len(messages) == 150
    for name in ("door", "yard", "hall"):
        assert [m["seq"] for m in messages if m["stream_id"] == name] == list(range(50))


async def test_a_sink_without_messages_still_gives_its_summary(
    target: Target, tmp_path: Path
) -> None:
    sink = open_sink(target.name, target.make(tmp_path))
    await sink.consume(stream(0))
    await sink.close(SUMMARY)
    assert target.read(tmp_path) == [{"summary": SUMMARY}]


async def test_a_target_that_cannot_be_opened_is_a_sink_error_that_names_it(
    target: Target,
) -> None:
    for refused in target.refused:
        with pytest.raises(SinkError, match="cannot be written") as caught:
            open_sink(target.name, refused)
        assert caught.value.sink == refused


async def test_a_target_that_takes_nothing_is_a_sink_error(target: Target) -> None:
    sink = open_sink(target.name, target.full)
    with pytest.raises(SinkError, match="cannot be written"):
        await sink.consume(stream(3))
    with pytest.raises(SinkError):
        await sink.close(SUMMARY)


async def test_cancelling_ends_it_and_the_summary_can_still_be_written(
    target: Target, tmp_path: Path
) -> None:
    sink = open_sink(target.name, target.make(tmp_path))
    began = asyncio.Event()
    consuming = asyncio.create_task(sink.consume(endless(began)))
    await asyncio.wait_for(began.wait(), DEADLINE_S)
    consuming.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(consuming, DEADLINE_S)
    await sink.close(SUMMARY)
    *messages, last = target.read(tmp_path)
    assert [m["seq"] for m in messages] == [0, 1, 2, 3]
    assert last == {"summary": SUMMARY}


async def test_an_error_of_the_stream_passes_through(target: Target, tmp_path: Path) -> None:
    async def breaks() -> AsyncIterator[OverlayMessage]:
        yield message(0)
        raise RuntimeError("upstream")

    sink = open_sink(target.name, target.make(tmp_path))
    with pytest.raises(RuntimeError, match="upstream"):
        await sink.consume(breaks())
    await sink.close(SUMMARY)


def test_an_unknown_sink_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        open_sink("pigeon", "roof")


# -- JSON lines into a pipe ---------------------------------------------------------------------


@contextmanager
def unread_pipe() -> Iterator[tuple[str, int]]:
    """A pipe that nobody reads, as a path, and its reading end."""
    reading, writing = os.pipe()
    try:
        yield f"/dev/fd/{writing}", reading
    finally:
        os.close(reading)
        os.close(writing)


@pytest.mark.alone
async def test_a_pipe_that_nobody_reads_holds_up_neither_the_loop_nor_the_end() -> None:
    loop = asyncio.get_running_loop()
    with unread_pipe() as (path, _):
        sink = open_sink("jsonl", path)
        consuming = asyncio.create_task(sink.consume(endless()))
        worst_s, before_s = 0.0, loop.time()
        for _ in range(50):
            await asyncio.sleep(0.01)
            worst_s, before_s = max(worst_s, loop.time() - before_s), loop.time()
        assert worst_s < 0.5
        assert not consuming.done(), "64 KiB are full by now"
        consuming.cancel()
        await asyncio.wait([consuming], timeout=DEADLINE_S)
        async with asyncio.timeout(3.0):
            with pytest.raises(SinkError, match="nobody reads"):
                await sink.close(SUMMARY)


async def test_a_slow_reader_gets_everything() -> None:
    with unread_pipe() as (path, reading):
        sink = open_sink("jsonl", path)
        consuming = asyncio.create_task(sink.consume(stream(200)))
        received = bytearray()

        def read_slowly() -> None:
            while b"summary" not in received:
                received.extend(os.read(reading, 4096))

        reader = threading.Thread(target=read_slowly)
        await asyncio.sleep(0.1)
        reader.start()
        await asyncio.wait_for(consuming, DEADLINE_S)
        await sink.close(SUMMARY)
        await asyncio.to_thread(reader.join, DEADLINE_S)
    assert received.count(b"\n") == 201
    assert json.loads(received.splitlines()[-1]) == {"summary": SUMMARY}


async def test_a_pipe_that_has_room_takes_lines_without_another_thread() -> None:
    with unread_pipe() as (path, reading):
        sink = open_sink("jsonl", path)
        consuming = asyncio.create_task(sink.consume(stream(3)))
        await asyncio.sleep(0)  # one turn of the loop: nobody is waited for
        assert os.read(reading, 1 << 16).count(b"\n") == 3
        await consuming
        await sink.close(SUMMARY)


async def test_lines_too_long_for_one_write_of_a_pipe_come_whole_and_in_order() -> None:
    long = [message(seq, "door" * 3000) for seq in range(4)]

    async def mixed() -> AsyncIterator[OverlayMessage]:
        for seq, one in enumerate(long):
            yield message(2 * seq)
            yield one

    with unread_pipe() as (path, reading):
        sink = open_sink("jsonl", path)
        await asyncio.wait_for(sink.consume(mixed()), DEADLINE_S)
        received = [json.loads(line) for line in os.read(reading, 1 << 16).splitlines()]
        await sink.close(SUMMARY)
    assert [one["seq"] for one in received] == [0, 0, 2, 1, 4, 2, 6, 3]


async def test_a_pipe_whose_reader_has_gone_is_a_sink_error() -> None:
    reading, writing = os.pipe()
    try:
        sink = open_sink("jsonl", f"/dev/fd/{writing}")
    finally:
        os.close(writing)
        os.close(reading)
    with pytest.raises(SinkError, match="Broken pipe"):
        await sink.consume(stream(3))
    with pytest.raises(SinkError):
        await sink.close(SUMMARY)


async def test_a_named_pipe_without_a_reader_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SinkError, match="cannot be written"):
        open_sink("jsonl", str(tmp_path / "pipe"))


async def test_standard_output_stays_open(capfd: pytest.CaptureFixture[str]) -> None:
    sink = open_sink("jsonl", "-")
    await sink.consume(stream(2))
    await sink.close(SUMMARY)
    print("still here")  # noqa: T201
    out = capfd.readouterr().out.splitlines()
    assert [json.loads(line).get("seq", "summary") for line in out[:-1]] == [0, 1, "summary"]
    assert out[-1] == "still here"
