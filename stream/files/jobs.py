"""Jobs: clips that wait, are analysed one after the other, and whose results are kept a while."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from types import TracebackType
from typing import BinaryIO, Final, Literal

from pydantic import Field

from stream.files.errors import FileError
from stream.files.examiner import Examiner, Progress
from stream.files.media import Facts
from stream.files.options import FilesOptions
from stream.files.result import ClipResult, Part
from stream.refusals import Full

LOG: Final = logging.getLogger("deepfakestream")
JobState = Literal["waiting", "running", "done", "failed", "cancelled"]
ENDED: Final = ("done", "failed", "cancelled")
KEPT: Final = 32
"""Ended jobs that are kept at most: the newest, whatever `keep_s` says."""
RETRY_AFTER_S: Final = 10
TOLD_EVERY_S: Final = 0.2


class JobStatus(Part):
    """How a job stands."""

    id: str
    state: JobState
    created_at: str = Field(description="RFC 3339, UTC")
    ahead: int = Field(ge=0, description="Jobs that come before it")
    played_s: float = Field(ge=0, description="Media time analysed so far")
    duration_s: float | None = Field(description="As the clip's header says, if it does")
    progress: float | None = Field(
        ge=0, le=1, description="Of the duration; null where the header does not say it"
    )
    problem: str | None = Field(description="Why it failed")
    problem_status: int | None = Field(description="What the request would have been answered")


class JobAnswer(JobStatus):
    """How a job stands, with its result once it is done."""

    result: ClipResult | None


class Job:
    """One clip; `changed` is set and replaced whenever its status changes."""

    def __init__(self, file: BinaryIO, facts: Facts) -> None:
        self.id = secrets.token_urlsafe(16)
        self.file = file
        self.facts = facts
        self.state: JobState = "waiting"
        self.created_at = datetime.now(UTC).isoformat(timespec="milliseconds")
        self.progress = Progress(0.0, 0.0 if facts.duration_s else None)
        self.result: ClipResult | None = None
        self.problem: tuple[int, str] | None = None
        self.ended_at_s: float | None = None
        self.task: asyncio.Task[None] | None = None
        self.changed = asyncio.Event()

    def tell(self) -> None:
        """Wake whoever follows the job."""
        self.changed.set()
        self.changed = asyncio.Event()

    def advance(self, progress: Progress) -> None:
        """Note how far it is."""
        self.progress = progress
        self.tell()


class Jobs:
    """At most `options.jobs` places; an async context manager that owns all that runs in them.

    A place is taken before a clip is received and given back when its job has ended. Leaving
    cancels every job and closes every file.
    """

    def __init__(self, examiner: Examiner, options: FilesOptions) -> None:
        self._examiner = examiner
        self._options = options
        self._places = 0
        self._jobs: dict[str, Job] = {}
        self._waiting: list[Job] = []  # as long as the places are many
        self._more = asyncio.Event()
        self._worker: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Jobs:
        self._worker = asyncio.create_task(self._work(), name="jobs")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for job in self._waiting:
            self._end(job, "cancelled")
        self._waiting.clear()
        if self._worker:
            self._worker.cancel()
            await asyncio.wait([self._worker])

    @property
    def free(self) -> int:
        """Places that are not taken."""
        return self._options.jobs - self._places

    @contextmanager
    def place(self) -> Iterator[Place]:
        """Room for one clip; given back on leaving unless `submit` has filled it.

        Raises: Full.
        """
        if not self.free:
            raise Full("as many clips as may be are waiting or being analysed", RETRY_AFTER_S)
        self._places += 1
        place = Place()
        try:
            yield place
        finally:
            if not place.filled:
                self._places -= 1

    async def submit(self, place: Place, file: BinaryIO) -> Job:
        """Queue the clip in `file`, which belongs to the job from then on.

        Raises: FileError for what cannot be analysed; the file is then still the caller's.
        """
        job = Job(file, await self._examiner.probe(file))
        place.filled = True
        self._forget()
        self._jobs[job.id] = job
        self._waiting.append(job)
        self._more.set()
        return job

    def get(self, job_id: str) -> Job | None:
        """The job of that id, unless it was forgotten."""
        self._forget()
        return self._jobs.get(job_id)

    def cancel(self, job: Job) -> None:
        """End `job`, and forget it with its result."""
        self._jobs.pop(job.id, None)
        if job in self._waiting:
            self._waiting.remove(job)
            self._end(job, "cancelled")
        elif job.task:
            job.task.cancel()

    def status(self, job: Job) -> JobStatus:
        """How it stands."""
        ahead = self._waiting.index(job) + 1 if job in self._waiting else 0
        status, problem = job.problem or (None, None)
        return JobStatus(
            id=job.id,
            state=job.state,
            created_at=job.created_at,
            ahead=ahead,
            played_s=round(job.progress.played_s, 3),
            duration_s=job.facts.duration_s,
            progress=None if job.progress.share is None else round(job.progress.share, 4),
            problem=problem,
            problem_status=status,
        )

    def answer(self, job: Job) -> JobAnswer:
        """How it stands, with the result."""
        return JobAnswer(**dict(self.status(job)), result=job.result)

    async def follow(self, job: Job) -> AsyncIterator[JobStatus]:
        """Its status now and at each change, a few times a second at most, to its end.

        Nothing queues up for a slow reader: it gets what is true when it comes back.
        """
        while True:
            changed, status = job.changed, self.status(job)
            yield status
            if status.state in ENDED:
                return
            await changed.wait()
            await asyncio.sleep(TOLD_EVERY_S)

    async def _work(self) -> None:
        while True:
            while not self._waiting:
                self._more.clear()
                await self._more.wait()
            job = self._waiting.pop(0)
            job.task = asyncio.create_task(self._analyse(job), name="job")
            try:
                await asyncio.wait([job.task])
            finally:
                job.task.cancel()
                await asyncio.wait([job.task])

    async def _analyse(self, job: Job) -> None:
        job.state = "running"
        for one in (job, *self._waiting):
            one.tell()
        try:
            job.result = await self._examiner.clip(job.file, job.advance)
            job.advance(Progress(job.result.played_s, 1.0))
            self._end(job, "done")
        except FileError as exc:
            job.problem = exc.status, str(exc)
            self._end(job, "failed")
        except asyncio.CancelledError:
            self._end(job, "cancelled")
            raise
        except Exception:  # a task's edge: a fault in one job must not end the others
            LOG.exception("a clip's analysis ended by a fault in the program: please report it")
            job.problem = 500, "a fault in the program: see the log, and please report it"
            self._end(job, "failed")

    def _end(self, job: Job, state: JobState) -> None:
        job.file.close()
        job.state = state
        job.ended_at_s = time.monotonic()
        self._places -= 1
        job.tell()
        loop = asyncio.get_running_loop()
        loop.call_later(self._options.keep_s, self._jobs.pop, job.id, None)

    def _forget(self) -> None:
        """Let go of the oldest results beyond `KEPT`."""
        ended = [job for job in self._jobs.values() if job.ended_at_s is not None]
        for job in ended[: max(0, len(ended) - KEPT)]:
            del self._jobs[job.id]


class Place:
    """Room for one clip."""

    filled = False
