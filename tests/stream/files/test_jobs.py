"""Jobs: places, order, cancelling, faults, and what is kept, over a scripted examiner."""

from __future__ import annotations

import asyncio
import io
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, BinaryIO, cast

import pytest

from stream.files import jobs as module
from stream.files.errors import Broken, UnknownFormat
from stream.files.examiner import Examiner, Progress
from stream.files.jobs import Job, Jobs
from stream.files.media import Facts
from stream.files.options import FilesOptions
from stream.files.result import ClipResult
from stream.refusals import Full
from tests.doubles import eventually

FACTS = Facts("mp4", "h264 (software)", (320, 240), 10.0)


def result() -> ClipResult:
    """Of a clip without a face."""
    return ClipResult(
        format="mp4", decoder="h264 (software)", size_px=(320, 240), frames=1, played_s=10.0,
        cut_short=False, engine="onnxruntime", device="cpu", state="no_face",
        probability_fake=None, track_id=None, reasons=(), quality=0.0, undecided_share=0.0,
        faces=(), degraded=(),
    )  # fmt: skip


class ScriptedExaminer:
    """Each clip is half done until `go`, then ends as its file says: ``ok`` or what is raised."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.seen: list[str] = []

    async def probe(self, file: BinaryIO) -> Facts:
        if file.read() == b"strange":
            raise UnknownFormat("no clip in a format that is read here")
        return FACTS

    async def clip(self, file: BinaryIO, progress: Callable[[Progress], None]) -> ClipResult:
        file.seek(0)
        name = file.read().decode()
        self.seen.append(name)
        progress(Progress(5.0, 0.5))
        await self.go.wait()
        if name == "damaged":
            raise Broken("no picture of it can be decoded")
        if name == "harmful":
            raise ZeroDivisionError
        return result()


@asynccontextmanager
async def running(**limits: Any) -> AsyncIterator[tuple[Jobs, ScriptedExaminer]]:
    examiner = ScriptedExaminer()
    async with Jobs(cast(Examiner, examiner), FilesOptions(**limits)) as jobs:
        yield jobs, examiner


async def sent(jobs: Jobs, name: str = "ok") -> Job:
    with jobs.place() as place:
        return await jobs.submit(place, io.BytesIO(name.encode()))


async def until(job: Job, state: str) -> None:
    await eventually(lambda: job.state == state, f"{job.state}, not {state}")


async def test_clips_are_analysed_one_after_the_other_in_the_order_in_which_they_came() -> None:
    async with running() as (jobs, examiner):
        first, second = await sent(jobs, "a"), await sent(jobs, "b")
        await until(first, "running")
        assert [jobs.status(job).ahead for job in (first, second)] == [0, 1]
        assert jobs.status(first).progress == 0.5
        assert examiner.seen == ["a"]
        examiner.go.set()
        await until(second, "done")
    assert examiner.seen == ["a", "b"]
    assert first.file.closed
    assert second.file.closed


async def test_a_place_is_held_from_the_upload_to_the_end_of_the_job() -> None:
    async with running(jobs=1) as (jobs, examiner):
        with jobs.place(), pytest.raises(Full), jobs.place():
            pass
        assert jobs.free == 1
        job = await sent(jobs)
        assert jobs.free == 0
        examiner.go.set()
        await until(job, "done")
        assert jobs.free == 1


async def test_a_clip_that_cannot_be_analysed_gives_its_place_back() -> None:
    async with running(jobs=1) as (jobs, _):
        with pytest.raises(UnknownFormat):
            await sent(jobs, "strange")
        assert jobs.free == 1


async def test_a_damaged_clip_fails_with_its_reason_and_a_fault_ends_no_other_job(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with running() as (jobs, examiner):
        examiner.go.set()
        damaged, harmful, whole = [await sent(jobs, one) for one in ("damaged", "harmful", "ok")]
        with caplog.at_level(logging.ERROR):
            await until(whole, "done")
        answer = jobs.answer(damaged)
        assert (answer.state, answer.problem_status, answer.result) == ("failed", 422, None)
        assert answer.problem == "no picture of it can be decoded"
        assert jobs.answer(harmful).problem_status == 500
        assert jobs.answer(whole).result == result()
    assert "please report it" in caplog.text


async def test_a_job_is_cancelled_while_it_waits_and_while_it_runs() -> None:
    async with running(jobs=2) as (jobs, _):
        runs, waits = await sent(jobs), await sent(jobs)
        await until(runs, "running")
        jobs.cancel(waits)
        assert waits.file.closed
        jobs.cancel(runs)
        await until(runs, "cancelled")
        assert jobs.free == 2
        assert jobs.get(runs.id) is jobs.get(waits.id) is None
        other = await sent(jobs)
        await until(other, "running")


async def test_leaving_cancels_what_waits_and_what_runs() -> None:
    async with running() as (jobs, _):
        runs, waits = await sent(jobs), await sent(jobs)
        await until(runs, "running")
    assert (runs.state, waits.state) == ("cancelled", "cancelled")
    assert runs.file.closed
    assert waits.file.closed


async def test_of_many_results_the_newest_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEPT", 2)
    async with running() as (jobs, examiner):
        examiner.go.set()
        done = []
        for _ in range(4):
            done.append(await sent(jobs))
            await until(done[-1], "done")
        kept = [jobs.get(job.id) is not None for job in done]
    assert kept == [False, False, True, True]


async def test_a_result_is_kept_for_a_time() -> None:
    async with running(keep_s=0.05) as (jobs, examiner):
        examiner.go.set()
        job = await sent(jobs)
        await until(job, "done")
        await eventually(lambda: jobs.get(job.id) is None)


async def test_a_follower_is_told_of_changes_and_of_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "TOLD_EVERY_S", 0.0)
    async with running() as (jobs, examiner):
        job = await sent(jobs)
        told = []
        async for status in jobs.follow(job):
            told.append((status.state, status.progress))
            if status.progress == 0.5:
                examiner.go.set()
    assert told[0] == ("waiting", 0.0)
    assert ("running", 0.5) in told
    assert told[-1] == ("done", 1.0)
